#pragma once
#include <functional>
#include <optional>
#include <string>

#include "kith/comm/communicator.h"
#include "kith/core/error.h"

namespace kith::cli {

/// Why a verb ended early.
struct Failure {
  ExitCode code = ExitCode::other;
  std::string message;
};

/// Runs `work`; what it throws becomes a Failure.
std::optional<Failure> failure_of(const std::function<void()>& work);

/// "kith: error: …", the last line on standard error.
void report(const Failure& failure);
/// "ROOT CAUSE rank 3 host node7: …"; among one rank, as `report`.
void report(const Failure& failure, const Communicator& comm);

}  // namespace kith::cli
