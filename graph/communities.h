#pragma once
#include <cstdint>
#include <span>

#include "kith/graph/csr.h"

namespace kith::detail {

/// A symmetric graph without self-loops whose edges may stand for several, and nodes for several with edges
/// between them.
template <class Index>
struct WeightedGraph {
  Csr<Index> csr;
  Array<std::int64_t> weights;  ///< [m]; empty: 1 each
  Array<std::int64_t> inside;   ///< [n] weight of the edges within, both ways; empty: 0 each

  std::int64_t n() const { return csr.n(); }
  std::int64_t weight(std::int64_t edge) const { return weights.empty() ? 1 : weights[edge]; }
};

/// Every node's community, numbered from 0 by their first node, and how many there are.
struct Communities {
  Array<std::int64_t> of;
  std::int64_t count = 0;
};

/// Communities of high modularity by moving single nodes. The same for any number of threads.
template <class Index>
Communities communities_of(const WeightedGraph<Index>& graph);

/// The graph whose nodes are the communities.
template <class Index>
WeightedGraph<Index> contracted(const WeightedGraph<Index>& graph, const Communities& communities);

/// The nodes, in the order given, grouped stably by key[node] in [0, keys); `begins` [keys + 1] of the
/// groups.
struct Groups {
  Array<std::int64_t> nodes;
  Array<std::int64_t> begins;
};
Groups grouped(std::span<const std::int64_t> nodes, std::span<const std::int64_t> key, std::int64_t keys);

}  // namespace kith::detail
