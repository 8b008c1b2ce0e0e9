#pragma once
#include <set>
#include <string>
#include <vector>

#include "kith/comm/communicator.h"

namespace kith {

/// Who is to blame for a wait without progress.
struct RollCall {
  std::set<Rank> silent;   ///< said nothing; empty when every rank that matters waits for another
  std::set<Rank> waiting;  ///< wait themselves, directly or through others, for the silent ones
};

/// Not collective: a rank that has waited in vain for `missing` calls it before it fails. It tells the others
/// whom it waits for, hears who else does so, and follows these answers from `missing` to the ranks that are
/// silent: of a chain 0 → 2 → 1, rank 1. Takes at most `patience`; less once every rank has answered. A rank
/// that reaches its own limit later than that counts as silent.
RollCall call_the_roll(Communicator& comm, const std::set<Rank>& missing,
                       std::chrono::duration<double> patience);

}  // namespace kith
