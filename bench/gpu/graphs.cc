#include "kith/bench/gpu/graphs.h"

#include <algorithm>
#include <bit>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/datasets/store.h"

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

/// Communities are stretches of nodes of one length.
Edge planted_edge(std::int64_t e, std::int64_t n) {
  const std::int64_t length = std::max<std::int64_t>(n / 1024, 1);
  const auto below = [&](std::int64_t bound, std::uint32_t purpose) {
    return static_cast<std::int64_t>(bounded(bits_of(e, purpose), static_cast<std::uint64_t>(bound)));
  };
  const std::int64_t row = below(n, 200);
  if (unit_double(bits_of(e, 201)) < 0.2) return {row, below(n, 202)};
  const std::int64_t first = row / length * length;
  return {row, first + below(std::min(length, n - first), 203)};
}

Edge uniform_edge(std::int64_t e, std::int64_t n) {
  const auto bound = static_cast<std::uint64_t>(n);
  return {static_cast<std::int64_t>(bounded(bits_of(e, 100), bound)),
          static_cast<std::int64_t>(bounded(bits_of(e, 101), bound))};
}

}  // namespace

std::vector<GraphMaker> bench_graphs(std::int64_t nodes, std::int64_t m) {
  const auto n = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(nodes)));
  const int levels = std::countr_zero(static_cast<std::uint64_t>(n));
  const auto maker = [=](const char* name, auto edge_of) {
    return [=] { return NamedGraph{name, graph_of(n, m, edge_of)}; };
  };
  const auto rmat = [=](double a) { return [=](std::int64_t e) { return rmat_edge(e, levels, a); }; };
  return {maker("planted", [=](std::int64_t e) { return planted_edge(e, n); }),
          maker("uniform", [=](std::int64_t e) { return uniform_edge(e, n); }),
          maker("rmat-0.40", rmat(0.40)), maker("rmat-0.50", rmat(0.50)), maker("rmat-0.57", rmat(0.57))};
}

NamedGraph stored_graph(const std::filesystem::path& folder) {
  const Store store = Store::open(folder);
  require(store.graph().n() <= INT32_MAX, "the graph's nodes fit 32 bits", {{"nodes", store.graph().n()}});
  Csr32 copy;
  store.graph().visit([&](const auto& graph) {
    copy.indptr = copy_of(graph.indptr);
    copy.indices = Array<std::int32_t>(graph.indices.size());
    for (std::size_t e = 0; e < graph.indices.size(); ++e) {
      const auto column = static_cast<std::int64_t>(graph.indices[e]);
      require(0 <= column && column < graph.n(), "a column is a node", {{"column", column}});
      copy.indices[e] = static_cast<std::int32_t>(column);
    }
  });
  return {store.folder().filename().string(), std::move(copy)};
}

}  // namespace kith::bench
