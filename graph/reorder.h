#pragma once
#include <cstdint>
#include <span>

#include "kith/graph/csr.h"

namespace kith {

/// How nodes are numbered anew. All look at neighbours in either direction and at no self-loops, and are the
/// same for any number of threads.
/// `degree`: most neighbours first, equals by id. `bfs`: breadth first, from the node of most neighbours of
/// each component; components by that node. `community`: communities within communities (by modularity) side
/// by side, breadth first inside the smallest.
enum class Order { none, degree, bfs, community };

/// A permutation: the node order[i] becomes i. O(n + m); `community` O(m log degree) a round.
Array<std::int64_t> order_of(const CsrAny& graph, Order order);
/// inverse[order[i]] = i.
Array<std::int64_t> inverse_of(std::span<const std::int64_t> order);

/// Row i is row order[i] of `a` with its columns renumbered and sorted. O(n + m log degree). Throws Error
/// when `order` is not as long as the graph.
template <class Index>
Csr<Index> permuted(CsrView<Index> a, std::span<const std::int64_t> order);
/// Where every entry of `permuted(a, order)` stood in `a`, for arrays with a value per edge. [m]
template <class Index>
Array<std::int64_t> permuted_edges(CsrView<Index> a, std::span<const std::int64_t> order);

/// How far apart the ends of an edge are numbered, |i − j|, on average over the entries; 0 without any.
double mean_edge_length(const CsrAny& graph);

}  // namespace kith
