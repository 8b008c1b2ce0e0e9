#pragma once
#include <vector>

#include "kith/partition/partitioning.h"

namespace kith {

/// What one part must receive: the distinct nodes of other parts that its in-edges reach.
struct HaloPlan {
  Array<GlobalId> nodes;         ///< ascending, so grouped by owner
  Array<std::int64_t> by_owner;  ///< [k + 1]: nodes[by_owner[q] .. by_owner[q + 1]) belong to part q
};

/// The rows of one part: destinations are its own nodes in global order, sources are global ids in ascending
/// *store-id* order within a row (draws are positions in that order).
struct PartTopology {
  Array<std::int64_t> indptr;
  Array<GlobalId> sources;
};

PartTopology part_topology(const CsrAny& graph, const PartLayout& layout, Part part);
HaloPlan halo_plan(const PartTopology& topology, const PartLayout& layout, Part part);

}  // namespace kith
