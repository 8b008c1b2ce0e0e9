#pragma once
#include <cstdint>

#include "kith/core/philox.h"
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

/// Whether every edge has its reverse. Needs sorted rows without duplicates. One pass over a graph that is
/// not symmetric, else also a transposition.
bool is_symmetric(const CsrAny& graph);

/// A sum over edges that tells a graph from its transpose: equal for a symmetric one, and for no other but
/// with probability 2⁻¹²⁸. Parts of a graph may be added in any order.
struct DirectionSum {
  std::uint64_t low = 0, high = 0;
  void add(std::uint64_t row, std::uint64_t column) {
    low += mix64(row * 0x9E3779B97F4A7C15ull + column) - mix64(column * 0x9E3779B97F4A7C15ull + row);
    high += mix64(row * 0xD6E8FEB86659FD93ull ^ column) - mix64(column * 0xD6E8FEB86659FD93ull ^ row);
  }
  void add(const DirectionSum& other) {
    low += other.low;
    high += other.high;
  }
  bool symmetric() const { return low == 0 && high == 0; }
};

/// The component number of every node, weakly connected; components are numbered by their smallest node.
Array<std::int64_t> connected_components(const CsrAny& graph);
/// The nodes of the largest component (of equals, the one with the smallest node), ascending.
Array<std::int64_t> largest_component(const CsrAny& graph);

/// The number of columns in each row; `without_self` does not count stored self-loops.
enum class CountSelf { yes, no };
Array<std::int64_t> in_degrees(const CsrAny& graph, CountSelf self);

}  // namespace kith
