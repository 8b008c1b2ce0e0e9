#include "kith/graph/statistics.h"

#include <algorithm>
#include <bit>

#include "kith/core/parallel.h"
#include "kith/graph/properties.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 4096;

/// Σ over edges i ← j with i ≠ j of count(i, j, row i), in parallel.
template <class Sum, class Index, class Count>
Sum over_edges(CsrView<Index> a, Count&& count) {
  return parallel_reduce(
      0, a.n(), kGrain, Sum{},
      [&](std::int64_t begin, std::int64_t end) {
        Sum sum;
        for (std::int64_t i = begin; i < end; ++i)
          for (const Index j : a.row(i))
            if (j != i) count(i, std::int64_t{j}, sum);
        return sum;
      },
      [](Sum a_sum, const Sum& b_sum) {
        a_sum.all += b_sum.all;
        a_sum.same += b_sum.same;
        return a_sum;
      });
}

std::int64_t quantile(std::vector<std::int64_t>& values, double q) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace

DegreeSummary degree_summary(std::span<const std::int64_t> indptr) {
  DegreeSummary summary;
  if (indptr.size() < 2) return summary;
  std::vector<std::int64_t> degrees(indptr.size() - 1);
  for (std::size_t v = 0; v < degrees.size(); ++v) degrees[v] = indptr[v + 1] - indptr[v];
  summary.mean = static_cast<double>(indptr.back()) / static_cast<double>(degrees.size());
  summary.maximum = *std::max_element(degrees.begin(), degrees.end());
  summary.histogram.resize(std::bit_width(static_cast<std::uint64_t>(summary.maximum)) + 1);
  for (const std::int64_t degree : degrees)
    ++summary.histogram[std::bit_width(static_cast<std::uint64_t>(degree))];
  summary.median = quantile(degrees, 0.5);
  summary.p99 = quantile(degrees, 0.99);
  return summary;
}

double reciprocity(const CsrAny& graph) {
  return graph.visit([]<class Index>(CsrView<Index> a) {
    const auto edges = over_edges<LabelledEdges>(a, [&](std::int64_t i, std::int64_t j, LabelledEdges& sum) {
      const auto back = a.row(j);
      ++sum.all;
      sum.same += std::binary_search(back.begin(), back.end(), static_cast<Index>(i)) ? 1 : 0;
    });
    return edges.all == 0 ? 1.0 : edges.homophily();
  });
}

ComponentSummary component_summary(const CsrAny& graph) {
  const Array<std::int64_t> component = connected_components(graph);
  ComponentSummary summary;
  if (component.empty()) return summary;
  std::vector<std::int64_t> sizes(
      static_cast<std::size_t>(*std::max_element(component.begin(), component.end())) + 1);
  for (const std::int64_t c : component) ++sizes[static_cast<std::size_t>(c)];
  return {static_cast<std::int64_t>(sizes.size()), *std::max_element(sizes.begin(), sizes.end())};
}

LabelledEdges labelled_edges(const CsrAny& graph, std::span<const std::int64_t> labels) {
  return graph.visit([&](auto a) {
    return over_edges<LabelledEdges>(a, [&](std::int64_t i, std::int64_t j, LabelledEdges& sum) {
      if (labels[i] < 0 || labels[j] < 0) return;
      ++sum.all;
      sum.same += labels[i] == labels[j] ? 1 : 0;
    });
  });
}

}  // namespace kith
