#pragma once
#include <chrono>

#include "kith/comm/communicator.h"

namespace kith {

/// What to add to this rank's steady clock to read rank 0's, and how far off that may be. Clocks are taken to
/// run at the same speed: over hours of different hosts they drift apart by more than `error`.
struct ClockOffset {
  std::chrono::nanoseconds to_root{0}, error{0};
};

/// Rank 0 answers some messages of every rank, one rank after the other. The error is at most half the time
/// that this rank's share of the call took. Collective.
ClockOffset clock_offset(Communicator& comm);

}  // namespace kith
