#pragma once
#include "kith/core/array.h"
#include "kith/partition/vertex_cover.h"

namespace kith {

/// A flow from a source over rows and columns to a sink, where a node lets through its cost and an edge
/// anything: no flow exceeds the cost of any cover, and the largest equals that of the cheapest.
struct BipartiteFlow {
  Array<std::int64_t> row_left, column_left;  ///< what a node would still let through
  Array<std::int32_t> on_edge;                ///< [edges]; empty after greedy_flow
};

/// Every row in turn sends what it can to its columns, in order: afterwards no edge has room at both ends.
/// O(edges).
BipartiteFlow greedy_flow(const Bipartite& graph);

/// The largest flow. `by_column` is the transpose of graph.edges.
BipartiteFlow largest_flow(const Bipartite& graph, const TransposedCsr& by_column);

}  // namespace kith
