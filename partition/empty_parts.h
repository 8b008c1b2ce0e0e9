#pragma once
#include "kith/graph/csr.h"
#include "kith/partition/partitioning.h"

namespace kith {

bool has_empty_part(const Partitioning& partitioning);

/// Gives every empty part one node, while a part with two is left: of the part with the most nodes, the node
/// with the fewest neighbours in it. Returns how many parts it filled. Sequential; O(n + m) when k ≪ n and
/// few are empty.
template <class Index>
std::int64_t fill_empty_parts(CsrView<Index> graph, Partitioning& partitioning);

}  // namespace kith
