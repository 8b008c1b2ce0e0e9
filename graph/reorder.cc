// A community order is made from the coarsest level down: the communities of a graph are the nodes of a
// smaller one; the order of those says in which order the groups stand, and breadth first search orders each
// group. So small communities of one large community are neighbours too, as in Arai et al., "Rabbit Order"
// (IPDPS 2016).
#include "kith/graph/reorder.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <vector>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/graph/builders.h"
#include "kith/graph/communities.h"
#include "kith/graph/row_builder.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 4096;

Array<std::int64_t> identity(std::int64_t n) {
  Array<std::int64_t> order(n);
  std::iota(order.begin(), order.end(), std::int64_t{0});
  return order;
}

template <class Index>
Array<std::int64_t> degree_order(CsrView<Index> a) {
  std::int64_t most = 0;
  for (std::int64_t v = 0; v < a.n(); ++v) most = std::max(most, a.degree(v));
  Array<std::int64_t> key(a.n());
  parallel_for(0, a.n(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t v = begin; v < end; ++v) key[v] = most - a.degree(v);
  });
  return detail::grouped(identity(a.n()).span(), key.span(), most + 1).nodes;
}

template <class Index>
Array<std::int64_t> bfs_order(CsrView<Index> a) {
  Array<std::int64_t> order(a.n());
  std::vector<bool> seen(static_cast<std::size_t>(a.n()), false);
  std::int64_t head = 0, tail = 0;
  auto see = [&](std::int64_t v) {
    if (seen[v]) return;
    seen[v] = true;
    order[tail++] = v;
  };
  // The first node in degree order that was not reached is the one of most neighbours in its component.
  for (const std::int64_t start : degree_order(a)) {
    see(start);
    for (; head < tail; ++head)
      for (const Index neighbour : a.row(order[head])) see(neighbour);
  }
  return order;
}

template <class Index>
Array<std::int64_t> community_order(const detail::WeightedGraph<Index>& graph) {
  Array<std::int64_t> inner = bfs_order(graph.csr.view());
  const detail::Communities communities = detail::communities_of(graph);
  // A level that hardly shrinks the graph says nothing more about it.
  if (communities.count > graph.n() - graph.n() / 20 - 1) return inner;
  const Array<std::int64_t> outer = inverse_of(community_order(contracted(graph, communities)).span());
  Array<std::int64_t> key(graph.n());
  parallel_for(0, graph.n(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t v = begin; v < end; ++v) key[v] = outer[communities.of[v]];
  });
  return detail::grouped(inner.span(), key.span(), communities.count).nodes;
}

template <class Index>
Array<std::int64_t> order_of_view(CsrView<Index> a, Order order) {
  Csr<Index> both_ways = symmetrised(a, SelfLoops::drop);
  if (order == Order::degree) return degree_order(both_ways.view());
  if (order == Order::bfs) return bfs_order(both_ways.view());
  return community_order(detail::WeightedGraph<Index>{std::move(both_ways), {}, {}});
}

template <class Index>
void check_length(CsrView<Index> a, std::span<const std::int64_t> order) {
  require(std::ssize(order) == a.n(), "an order has every node once",
          {{"order", order.size()}, {"nodes", a.n()}});
}

/// Where the rows of the permuted graph begin. [n + 1]
template <class Index>
Array<std::int64_t> permuted_begins(CsrView<Index> a, std::span<const std::int64_t> order) {
  Array<std::int64_t> begins(order.size() + 1);
  parallel_for(0, a.n(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) begins[i] = a.degree(order[i]);
  });
  begins.back() = 0;
  exclusive_prefix_sum(begins.data(), begins.ssize());
  return begins;
}

}  // namespace

Array<std::int64_t> order_of(const CsrAny& graph, Order order) {
  if (order == Order::none) return identity(graph.n());
  return graph.visit([&](auto view) { return order_of_view(view, order); });
}

double mean_edge_length(const CsrAny& graph) {
  const double sum = graph.visit([](auto a) {
    return parallel_reduce(
        0, a.n(), kGrain, 0.0,
        [&](std::int64_t begin, std::int64_t end) {
          double rows = 0;
          for (std::int64_t i = begin; i < end; ++i)
            for (const std::int64_t j : a.row(i)) rows += static_cast<double>(std::abs(i - j));
          return rows;
        },
        std::plus<>());
  });
  return graph.m() == 0 ? 0 : sum / static_cast<double>(graph.m());
}

Array<std::int64_t> inverse_of(std::span<const std::int64_t> order) {
  Array<std::int64_t> inverse(order.size());
  parallel_for(0, std::ssize(order), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) inverse[order[i]] = i;
  });
  return inverse;
}

template <class Index>
Csr<Index> permuted(CsrView<Index> a, std::span<const std::int64_t> order) {
  check_length(a, order);
  const Array<std::int64_t> number = inverse_of(order);
  Csr<Index> out{permuted_begins(a, order), Array<Index>(a.m())};
  parallel_for(0, a.n(), detail::kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      Index* row = out.indices.data() + out.indptr[i];
      for (const Index column : a.row(order[i])) *row++ = static_cast<Index>(number[column]);
      std::sort(out.indices.data() + out.indptr[i], row);
    }
  });
  return out;
}

template <class Index>
Array<std::int64_t> permuted_edges(CsrView<Index> a, std::span<const std::int64_t> order) {
  check_length(a, order);
  const Array<std::int64_t> number = inverse_of(order), begins = permuted_begins(a, order);
  Array<std::int64_t> edges(a.m());
  parallel_for(0, a.n(), detail::kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto row = edges.span().subspan(begins[i], a.degree(order[i]));
      std::iota(row.begin(), row.end(), a.indptr[order[i]]);
      std::sort(row.begin(), row.end(), [&](std::int64_t x, std::int64_t y) {
        return std::pair(number[a.indices[x]], x) < std::pair(number[a.indices[y]], y);
      });
    }
  });
  return edges;
}

template Csr32 permuted(CsrView<std::int32_t>, std::span<const std::int64_t>);
template Csr64 permuted(CsrView<std::int64_t>, std::span<const std::int64_t>);
template Array<std::int64_t> permuted_edges(CsrView<std::int32_t>, std::span<const std::int64_t>);
template Array<std::int64_t> permuted_edges(CsrView<std::int64_t>, std::span<const std::int64_t>);

}  // namespace kith
