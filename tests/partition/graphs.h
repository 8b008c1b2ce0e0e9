#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "kith/core/philox.h"
#include "kith/graph/csr.h"
#include "kith/partition/partitioning.h"

namespace kith::test {

using Edges = std::vector<std::pair<std::int32_t, std::int32_t>>;  ///< (source, destination)

/// Rows sorted, duplicates and loops kept: what a store may hold.
inline Csr32 graph_of(std::int64_t n, const Edges& edges) {
  std::vector<std::vector<std::int32_t>> rows(static_cast<std::size_t>(n));
  for (const auto& [source, destination] : edges) rows[destination].push_back(source);
  Csr32 graph{Array<std::int64_t>(rows.size() + 1, 0), Array<std::int32_t>(edges.size())};
  for (std::size_t v = 0; v < rows.size(); ++v) {
    std::sort(rows[v].begin(), rows[v].end());
    std::copy(rows[v].begin(), rows[v].end(), graph.indices.begin() + graph.indptr[v]);
    graph.indptr[v + 1] = graph.indptr[v] + static_cast<std::int64_t>(rows[v].size());
  }
  return graph;
}

template <class Index>
CsrAny any(const Csr<Index>& graph) {
  return {graph.indptr.span(), IndexView(graph.indices.span())};
}

inline Csr64 widened(const Csr32& graph) {
  Csr64 wide{copy_of(graph.indptr), Array<std::int64_t>(graph.indices.size())};
  std::copy(graph.indices.begin(), graph.indices.end(), wide.indices.begin());
  return wide;
}

/// A source of small random numbers for tests.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : key_(philox_key(seed, Stream::generate)) {}
  std::int32_t below(std::int64_t bound) {
    const auto random = word64(draw_words(key_, StoreId(0), 0, next_++), 0);
    return static_cast<std::int32_t>(bounded(random, static_cast<std::uint64_t>(bound)));
  }

 private:
  PhiloxKey key_;
  std::uint32_t next_ = 0;
};

/// Directed, with loops, duplicates and isolated nodes.
inline Csr32 random_graph(std::int64_t n, std::int64_t m, std::uint64_t seed) {
  Draws draws(seed);
  Edges edges;
  for (std::int64_t e = 0; e < m; ++e) edges.emplace_back(draws.below(n), draws.below(n));
  return graph_of(n, edges);
}

/// Two communities of `half` nodes, interleaved, with a few edges between them; both directions stored.
inline Csr32 two_communities(std::int64_t half, std::int64_t bridges, std::uint64_t seed) {
  Draws draws(seed);
  Edges edges;
  const auto join = [&](std::int32_t u, std::int32_t v) {
    edges.emplace_back(u, v);
    edges.emplace_back(v, u);
  };
  for (std::int64_t e = 0; e < 12 * half; ++e) {
    const std::int32_t side = draws.below(2);
    join(2 * draws.below(half) + side, 2 * draws.below(half) + side);
  }
  for (std::int64_t e = 0; e < bridges; ++e) join(2 * draws.below(half), 2 * draws.below(half) + 1);
  return graph_of(2 * half, edges);
}

inline Partitioning random_parts(std::int64_t n, int k, std::uint64_t seed) {
  Draws draws(seed);
  Partitioning partitioning{k, Array<Part>(static_cast<std::size_t>(n))};
  for (Part& part : partitioning.assignment) part = Part(draws.below(k));
  return partitioning;
}

inline std::vector<std::int64_t> sizes_of(const Partitioning& partitioning) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(partitioning.k), 0);
  for (const Part part : partitioning.assignment) ++sizes.at(static_cast<std::size_t>(part.value()));
  return sizes;
}

inline std::vector<Part> parts_of(const Partitioning& partitioning) {
  return {partitioning.assignment.begin(), partitioning.assignment.end()};
}

}  // namespace kith::test
