#pragma once
#include "kith/datasets/partitioned_store.h"

namespace kith::bench {

constexpr std::int64_t kNodes = 1'000'000;

/// A random power-law graph of kNodes nodes and 25 M edges as four parts on disk, for the life of the
/// program; a fifth of the nodes trains.
const PartitionedStore& power_law_parts();

}  // namespace kith::bench
