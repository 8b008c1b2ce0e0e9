#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "kith/partition/partitioning.h"

namespace kith {

/// What making a partitioning cost, and what the partitioner saw of the graph.
struct PartitionReport {
  double seconds = 0;
  std::int64_t peak_memory_bytes = 0;  ///< the larger of this process and the partitioner's own process
  std::int64_t loops_dropped = 0;      ///< METIS alone: the stored graph keeps them
  std::int64_t duplicates_merged = 0;
  std::int64_t arcs_added = 0;      ///< reverse edges that were not stored
  std::int64_t empty_repaired = 0;  ///< parts METIS left empty, filled
};
struct PartitionResult {
  Partitioning partitioning;
  PartitionReport report;
};

/// METIS k-way (Karypis & Kumar 1998) in a helper process, so that a crash or an out-of-memory kill becomes
/// an Error that names the alternative. The graph is cleaned for METIS alone: symmetric, no loops, no
/// duplicates. k = 1 needs no METIS; empty parts are repaired; throws InputError when k > n or when the
/// 32-bit ids of the distribution's METIS cannot hold the graph, MemoryError when it was killed for memory.
/// Deterministic.
PartitionResult metis_partition(const PartitionRequest& request);
/// A uniformly random assignment of equal sizes (±1), a pure function of the seed. k > n leaves parts empty.
Partitioning random_partition(const PartitionRequest& request);
/// Contiguous ranges of store ids, balanced by the first constraint (by nodes without one). k > n leaves
/// parts empty.
Partitioning range_partition(const PartitionRequest& request);
/// Streaming partitioners: every node in store order to the part with most of its neighbours, discounted by
/// how full it is: linear deterministic greedy (Stanton & Kliot 2012) and Fennel (Tsourakakis et al. 2014),
/// in `passes` passes (Nishimura & Ugander 2013). O(n + k) memory, any size of graph, all constraints;
/// sequential and deterministic. In a directed graph only in-neighbours count. k > n leaves parts empty.
Partitioning ldg_partition(const PartitionRequest& request);
Partitioning fennel_partition(const PartitionRequest& request);
/// Reads one part number per node: text (one per line) or `.npy`. Throws InputError with file:line on a
/// number outside [0, k), too few or too many.
Partitioning read_assignment(const std::filesystem::path& file, std::int64_t nodes, int k);

/// By name ("metis", "ldg", "fennel", "random", "range"), the seam where a partitioner is added: one file and
/// its line in partitioners.cc. Throws InputError on an unknown name.
PartitionResult partition(const std::string& method, const PartitionRequest& request);
/// The names `partition` knows.
std::vector<std::string> partition_methods();

}  // namespace kith
