#pragma once
#include <filesystem>

#include "kith/partition/partitioning.h"

namespace kith {

/// METIS k-way (Karypis & Kumar 1998) in a helper process, so that a crash or an out-of-memory kill becomes an
/// Error that names the alternative. The graph is cleaned for METIS alone: symmetric, no loops, no duplicates.
/// k = 1 needs no METIS; empty parts are repaired where n ≥ k; throws InputError when k > n or when the 32-bit
/// ids of the distribution's METIS cannot hold the graph.
Partitioning metis_partition(const PartitionRequest& request);
/// A uniformly random assignment of equal sizes (±1), a pure function of the seed.
Partitioning random_partition(const PartitionRequest& request);
/// Contiguous ranges of store ids, balanced by the first constraint (by nodes without one).
Partitioning range_partition(const PartitionRequest& request);
/// Reads one part number per node: text (one per line) or `.npy`. Throws InputError with file:line on a number
/// outside [0, k), too few or too many.
Partitioning read_assignment(const std::filesystem::path& file, std::int64_t nodes, int k);

/// By name ("metis", "random", "range"), the seam where a partitioner is added: one file and its line here.
Partitioning partition(const std::string& method, const PartitionRequest& request);
/// The names `partition` knows.
std::vector<std::string> partition_methods();

}  // namespace kith
