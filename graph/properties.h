#pragma once
#include <cstdint>

#include "kith/graph/csr.h"

namespace kith {

/// What one look over a graph with sorted rows tells. O(n + m), with a transpose in memory meanwhile.
struct GraphProperties {
  std::int64_t nodes = 0;
  std::int64_t edges = 0;             ///< stored, directed
  std::int64_t undirected_edges = 0;  ///< distinct {u, v} with u ≠ v
  std::int64_t self_loops = 0;
  std::int64_t duplicates = 0;  ///< entries equal to their left neighbour in a sorted row
  std::int64_t isolated = 0;    ///< nodes without any in- or out-edge but self-loops
  std::int64_t max_degree = 0;  ///< in-degree
  bool symmetric = false;
};
GraphProperties properties_of(const CsrAny& graph);

/// The component number of every node, weakly connected; components are numbered by their smallest node.
Array<std::int64_t> connected_components(const CsrAny& graph);
/// The nodes of the largest component (of equals, the one with the smallest node), ascending.
Array<std::int64_t> largest_component(const CsrAny& graph);

/// The number of columns in each row; `without_self` does not count stored self-loops.
enum class CountSelf { yes, no };
Array<std::int64_t> in_degrees(const CsrAny& graph, CountSelf self);

}  // namespace kith
