#pragma once
#include <functional>
#include <optional>
#include <string>

#include "kith/comm/communicator.h"
#include "kith/core/error.h"

namespace kith {

/// Why some work ended early.
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

/// What a rank does about a failure of its own that the others do not know of: prints it as the last word
/// and, among several ranks, ends the job with its code. When all fail alike (a store that is not there), the
/// lowest rank speaks. `Interrupted` is no failure: the job is left to end by itself.
ExitCode end_job(Communicator& comm, const Failure& failure);

}  // namespace kith
