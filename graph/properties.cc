#include "kith/graph/properties.h"

#include <algorithm>

#include "kith/core/parallel.h"
#include "kith/graph/builders.h"
#include "kith/graph/row_builder.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 4096;

/// What node i adds: `in` its sources, `out` the destinations it reaches, both sorted. An undirected edge {i,
/// j} is counted at its smaller end, where both of its directions are seen.
template <class Index>
void count_node(std::int64_t i, std::span<const Index> in, std::span<const Index> out, GraphProperties& sum) {
  bool isolated = true;
  detail::merge_rows(in, out, [&](Index j, bool is_in, bool is_out) {
    if (j == i) return;
    isolated = false;
    sum.symmetric = sum.symmetric && is_in == is_out;
    if (j > i) ++sum.undirected_edges;
  });
  sum.isolated += isolated ? 1 : 0;
  sum.self_loops += std::count(in.begin(), in.end(), static_cast<Index>(i));
  for (std::size_t e = 1; e < in.size(); ++e) sum.duplicates += in[e] == in[e - 1] ? 1 : 0;
  sum.max_degree = std::max(sum.max_degree, static_cast<std::int64_t>(in.size()));
}

GraphProperties combined(const GraphProperties& a, const GraphProperties& b) {
  GraphProperties sum = a;
  sum.undirected_edges += b.undirected_edges;
  sum.self_loops += b.self_loops;
  sum.duplicates += b.duplicates;
  sum.isolated += b.isolated;
  sum.max_degree = std::max(a.max_degree, b.max_degree);
  sum.symmetric = a.symmetric && b.symmetric;
  return sum;
}

template <class Index>
GraphProperties properties_of_view(CsrView<Index> a) {
  const Csr<Index> reversed = transposed(a, a.n());
  const CsrView<Index> b = reversed;
  GraphProperties start;
  start.symmetric = true;
  GraphProperties all = parallel_reduce(
      0, a.n(), kGrain, start,
      [&](std::int64_t begin, std::int64_t end) {
        GraphProperties sum = start;
        for (std::int64_t i = begin; i < end; ++i) count_node(i, a.row(i), b.row(i), sum);
        return sum;
      },
      combined);
  all.nodes = a.n();
  all.edges = a.m();
  return all;
}

}  // namespace

GraphProperties properties_of(const CsrAny& graph) {
  return graph.visit([](auto view) { return properties_of_view(view); });
}

bool is_symmetric(const CsrAny& graph) {
  return graph.visit([]<class Index>(CsrView<Index> a) {
    const DirectionSum sum = parallel_reduce(
        0, a.n(), kGrain, DirectionSum{},
        [&](std::int64_t begin, std::int64_t end) {
          DirectionSum here;
          for (std::int64_t i = begin; i < end; ++i)
            for (const Index j : a.row(i))
              here.add(static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(j));
          return here;
        },
        [](DirectionSum x, const DirectionSum& y) {
          x.add(y);
          return x;
        });
    if (!sum.symmetric()) return false;
    const Csr<Index> reversed = transposed(a, a.n());
    return std::equal(a.indptr.begin(), a.indptr.end(), reversed.indptr.begin()) &&
           std::equal(a.indices.begin(), a.indices.begin() + a.m(), reversed.indices.begin());
  });
}

Array<std::int64_t> in_degrees(const CsrAny& graph, CountSelf self) {
  Array<std::int64_t> degrees(static_cast<std::size_t>(graph.n()));
  graph.visit([&]<class Index>(CsrView<Index> view) {
    parallel_for(0, view.n(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const auto row = view.row(i);
        degrees[i] = view.degree(i);
        if (self == CountSelf::no) degrees[i] -= std::count(row.begin(), row.end(), static_cast<Index>(i));
      }
    });
  });
  return degrees;
}

}  // namespace kith
