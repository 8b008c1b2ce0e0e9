#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "kith/comm/communicator.h"
#include "kith/core/memory_kind.h"
#include "kith/exec/train_options.h"

namespace kith {

/// A line for every kind of memory and a column for every rank, or for the smallest, mean and largest where
/// there are many.
std::string estimate_table(std::span<const MemoryByKind> by_rank);

/// "lower --batch-size, …": three settings that lower what this run needs, the most effective first.
std::string remedies(const MemoryByKind& memory, Regime regime);

/// Whether the ranks of any host need more than it has left; then that is said, with remedies, on every rank.
/// `mine` is this rank's, of which `resident_bytes()` is there already. Empty: all fits. Collective.
std::string memory_warning(Communicator& comm, const MemoryByKind& mine, Regime regime);

}  // namespace kith
