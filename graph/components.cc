// Union-find without locks: every node points to one that is not larger, a root to itself. An edge hooks the
// larger of its two roots under the smaller by compare-and-swap, whoever comes first. When all edges are in,
// the root of a component is its smallest node, in whatever order the edges were taken.
#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "kith/core/parallel.h"
#include "kith/graph/properties.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 4096;

class Forest {
 public:
  explicit Forest(std::int64_t n) : parent_(static_cast<std::size_t>(n)) {
    parallel_for(0, n, kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) parent_[i] = i;
    });
  }

  std::int64_t root_of(std::int64_t node) {
    for (;;) {
      const std::int64_t parent = at(node).load(std::memory_order_relaxed);
      if (parent == node) return node;
      const std::int64_t grandparent = at(parent).load(std::memory_order_relaxed);
      // Halving the path may lose a race against another halving; either pointer is an ancestor.
      if (grandparent != parent) at(node).store(grandparent, std::memory_order_relaxed);
      node = grandparent;
    }
  }

  void join(std::int64_t a, std::int64_t b) {
    for (;;) {
      a = root_of(a);
      b = root_of(b);
      if (a == b) return;
      if (a < b) std::swap(a, b);
      std::int64_t expected = a;
      if (at(a).compare_exchange_strong(expected, b, std::memory_order_relaxed)) return;
    }
  }

 private:
  std::atomic_ref<std::int64_t> at(std::int64_t node) { return std::atomic_ref(parent_[node]); }
  Array<std::int64_t> parent_;
};

template <class Index>
void join_edges(CsrView<Index> view, Forest& forest) {
  parallel_for(0, view.n(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      for (const Index j : view.row(i)) forest.join(i, j);
  });
}

}  // namespace

Array<std::int64_t> connected_components(const CsrAny& graph) {
  const std::int64_t n = graph.n();
  Forest forest(n);
  graph.visit([&](auto view) { join_edges(view, forest); });
  Array<std::int64_t> root(static_cast<std::size_t>(n)), number(static_cast<std::size_t>(n));
  parallel_for(0, n, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      root[i] = forest.root_of(i);
      number[i] = root[i] == i ? 1 : 0;
    }
  });
  exclusive_prefix_sum(number.data(), n);
  parallel_for(0, n, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) root[i] = number[root[i]];
  });
  return root;
}

Array<std::int64_t> largest_component(const CsrAny& graph) {
  const Array<std::int64_t> component = connected_components(graph);
  if (component.empty()) return {};
  std::vector<std::int64_t> sizes(
      static_cast<std::size_t>(*std::max_element(component.begin(), component.end())) + 1);
  for (const std::int64_t c : component) ++sizes[c];
  const auto largest = std::max_element(sizes.begin(), sizes.end());
  Array<std::int64_t> nodes(static_cast<std::size_t>(*largest));
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < component.ssize(); ++i)
    if (component[i] == largest - sizes.begin()) nodes[count++] = i;
  return nodes;
}

}  // namespace kith
