#include "kith/bench/gpu/graphs.h"

#include <algorithm>
#include <bit>

#include "kith/core/parallel.h"
#include "kith/core/philox.h"

namespace kith::bench {
namespace {

std::uint64_t bits_of(std::int64_t i, std::uint32_t purpose) {
  const auto x = static_cast<std::uint64_t>(i);
  return word64(
      philox4x32_10({static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(x >> 32), purpose, 0},
                    {11, 12}),
      0);
}

struct Edge {
  std::int64_t row, column;
};

/// One edge of an R-MAT with corner probabilities a, (1 − a) / 3 each: a quarter of the matrix a level.
Edge rmat_edge(std::int64_t e, int levels, double a) {
  Edge edge{0, 0};
  for (int level = 0; level < levels; ++level) {
    const double u = unit_double(bits_of(e, static_cast<std::uint32_t>(level + 1)));
    const double rest = (1 - a) / 3;
    const bool down = u >= a + rest, right = u >= a && (u < a + rest || u >= a + 2 * rest);
    edge.row = 2 * edge.row + (down ? 1 : 0);
    edge.column = 2 * edge.column + (right ? 1 : 0);
  }
  return edge;
}

template <class EdgeOf>
Csr32 graph_of(std::int64_t n, std::int64_t m, EdgeOf&& edge_of) {
  std::vector<Edge> edges(static_cast<std::size_t>(m));
  parallel_for(0, m, 1 << 14, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t e = begin; e < end; ++e) edges[static_cast<std::size_t>(e)] = edge_of(e);
  });
  Csr32 a;
  a.indptr = Array<std::int64_t>(static_cast<std::size_t>(n) + 1, 0);
  a.indices = Array<std::int32_t>(static_cast<std::size_t>(m));
  for (const Edge& edge : edges) ++a.indptr[edge.row + 1];
  for (std::int64_t i = 0; i < n; ++i) a.indptr[i + 1] += a.indptr[i];
  std::vector<std::int64_t> next(a.indptr.begin(), a.indptr.end());
  for (const Edge& edge : edges)
    a.indices[next[static_cast<std::size_t>(edge.row)]++] = static_cast<std::int32_t>(edge.column);
  parallel_for(0, n, 1 << 12, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      std::sort(a.indices.begin() + a.indptr[i], a.indices.begin() + a.indptr[i + 1]);
  });
  return a;
}

}  // namespace

std::vector<NamedGraph> bench_graphs(std::int64_t n, std::int64_t m) {
  const auto size = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(n)));
  const int levels = std::countr_zero(static_cast<std::uint64_t>(size));
  std::vector<NamedGraph> graphs;
  graphs.push_back({"uniform", graph_of(size, m, [&](std::int64_t e) {
                      const auto bound = static_cast<std::uint64_t>(size);
                      return Edge{static_cast<std::int64_t>(bounded(bits_of(e, 100), bound)),
                                  static_cast<std::int64_t>(bounded(bits_of(e, 101), bound))};
                    })});
  for (const auto& [name, a] : {std::pair("rmat-0.40", 0.40), {"rmat-0.50", 0.50}, {"rmat-0.57", 0.57}})
    graphs.push_back(
        {name, graph_of(size, m, [&, a = a](std::int64_t e) { return rmat_edge(e, levels, a); })});
  return graphs;
}

}  // namespace kith::bench
