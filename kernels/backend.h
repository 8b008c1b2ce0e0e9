#pragma once
#include <utility>
#include <variant>

#include "kith/core/rehearsal.h"

namespace kith {

/// The host's cores, through oneTBB.
struct Cpu {};

/// Where a kernel runs: the first argument of every kernel. Each backend is an overload in its own folder; a
/// CPU build holds no trace of the others.
using Backend = std::variant<Cpu>;

/// Calls the backend's overload; nothing is computed in a rehearsal.
template <class Kernel>
auto dispatch(Kernel&& kernel, const Backend& on) {
  using Result = decltype(std::visit(std::forward<Kernel>(kernel), on));
  return rehearsing() ? Result() : std::visit(std::forward<Kernel>(kernel), on);
}

}  // namespace kith
