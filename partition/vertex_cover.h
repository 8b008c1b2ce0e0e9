#pragma once
#include <cstdint>
#include <vector>

#include "kith/graph/csr.h"

namespace kith {

/// Edges between two sides; every node of a side costs the same.
struct Bipartite {
  CsrView<std::int32_t> edges;  ///< rows × columns
  std::int64_t columns = 0;
  std::int64_t row_cost = 1, column_cost = 1;  ///< ≥ 1
};

/// How a cover was found. `greedy` costs at most twice the least.
enum class CoverMethod { minimum, greedy, all_rows, all_columns };

/// Nodes of both sides such that every edge has an end among them. A node without edges is in none.
struct VertexCover {
  std::vector<bool> rows, columns;
  std::int64_t cost = 0;
  CoverMethod method = CoverMethod::minimum;
};

/// Up to so many edges the flow's arrays, some 24 bytes an edge, are worth having.
inline constexpr std::int64_t kExactCoverEdges = std::int64_t{1} << 24;

/// A cover of the least cost; of those, the one with the fewest rows. Beyond `exact_edges` the cheapest of a
/// greedy one, all rows and all columns, in O(edges). Deterministic. O(edges √nodes) at equal costs.
VertexCover vertex_cover(const Bipartite& graph, std::int64_t exact_edges = kExactCoverEdges);

}  // namespace kith
