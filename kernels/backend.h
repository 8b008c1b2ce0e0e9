#pragma once
#include <variant>

namespace kith {

/// The host's cores, through oneTBB.
struct Cpu {};

/// Where a kernel runs: the first argument of every kernel. Each backend is an overload in its own folder; a
/// CPU build holds no trace of the others.
using Backend = std::variant<Cpu>;

}  // namespace kith
