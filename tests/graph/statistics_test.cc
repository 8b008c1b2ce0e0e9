#include "kith/graph/statistics.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "graph/random_graphs.h"
#include <gtest/gtest.h>

#include "kith/core/parallel.h"
#include "kith/graph/builders.h"

namespace kith {
namespace {

using kith::testing::any_of;
using kith::testing::Draws;
using kith::testing::entries_of;
using kith::testing::random_edges;

Csr32 random_graph(std::uint64_t seed, std::int64_t n, std::int64_t m, const BuildOptions& options = {}) {
  const auto edges = random_edges<std::int32_t>(seed, n, m, seed % 2 == 0 ? n / 2 : -1);
  return csr_from_edges<std::int32_t>({edges.source, edges.destination}, n, options);
}

TEST(DegreeSummary, IsThatOfTheSortedDegrees) {
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    const Csr32 graph = random_graph(seed, 97, 400);
    std::vector<std::int64_t> degrees;
    for (std::int64_t v = 0; v < graph.n(); ++v) degrees.push_back(graph.view().degree(v));
    std::sort(degrees.begin(), degrees.end());
    const DegreeSummary summary = degree_summary(graph.indptr);
    EXPECT_DOUBLE_EQ(summary.mean, static_cast<double>(graph.m()) / 97);
    EXPECT_EQ(summary.median, degrees[48]);
    EXPECT_EQ(summary.p99, degrees[95]);
    EXPECT_EQ(summary.maximum, degrees.back());
    for (std::size_t bin = 0; bin < summary.histogram.size(); ++bin) {
      const std::int64_t low = bin == 0 ? 0 : 1 << (bin - 1), high = bin == 0 ? 0 : 2 * low - 1;
      EXPECT_EQ(summary.histogram[bin], std::count_if(degrees.begin(), degrees.end(),
                                                      [&](std::int64_t d) { return low <= d && d <= high; }));
    }
    EXPECT_EQ(std::accumulate(summary.histogram.begin(), summary.histogram.end(), std::int64_t{0}), 97);
    EXPECT_GT(summary.histogram.back(), 0);
  }
}

TEST(DegreeSummary, OfNothing) {
  EXPECT_TRUE(degree_summary({}).histogram.empty());
  const std::vector<std::int64_t> one{0, 0};
  EXPECT_EQ(degree_summary(one).histogram, std::vector<std::int64_t>{1});
}

TEST(Reciprocity, IsTheShareOfEntriesWithAReverse) {
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    const Csr32 graph = random_graph(seed, 31, 200);
    const auto entries = entries_of(graph.view());
    double all = 0, back = 0;
    for (const auto& [i, j] : entries) {
      if (i == j) continue;
      ++all;
      back += std::count(entries.begin(), entries.end(), std::pair(j, i)) > 0 ? 1 : 0;
    }
    EXPECT_DOUBLE_EQ(reciprocity(any_of(graph)), back / all);
    EXPECT_EQ(reciprocity(any_of(random_graph(seed, 31, 200, {.undirected = true}))), 1.0);
  }
}

// By painting each component from its first node, instead of joining trees.
TEST(ComponentSummary, IsThatOfASearchFromEveryNode) {
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    const Csr32 graph = random_graph(seed, 60, 35);
    const auto entries = entries_of(graph.view());
    std::vector<int> colour(60, -1);
    std::vector<std::int64_t> sizes;
    const std::function<void(std::int64_t)> paint = [&](std::int64_t v) {
      if (colour[static_cast<std::size_t>(v)] >= 0) return;
      colour[static_cast<std::size_t>(v)] = static_cast<int>(sizes.size()) - 1;
      ++sizes.back();
      for (const auto& [i, j] : entries) {
        if (i == v) paint(j);
        if (j == v) paint(i);
      }
    };
    for (std::int64_t v = 0; v < 60; ++v) {
      if (colour[static_cast<std::size_t>(v)] >= 0) continue;
      sizes.push_back(0);
      paint(v);
    }
    const ComponentSummary summary = component_summary(any_of(graph));
    EXPECT_EQ(summary.count, std::ssize(sizes));
    EXPECT_EQ(summary.largest, *std::max_element(sizes.begin(), sizes.end()));
  }
}

TEST(LabelledEdges, AreCountedOneByOne) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const Csr32 graph = random_graph(seed, 50, 300);
    Draws draws(seed);
    std::vector<std::int64_t> labels;
    for (int v = 0; v < 50; ++v) labels.push_back(draws.below(4) - 1);
    std::int64_t all = 0, same = 0;
    for (const auto& [i, j] : entries_of(graph.view())) {
      const std::int64_t a = labels[static_cast<std::size_t>(i)], b = labels[static_cast<std::size_t>(j)];
      if (i == j || a < 0 || b < 0) continue;
      ++all;
      same += a == b ? 1 : 0;
    }
    const ThreadLimit one(1);
    const LabelledEdges edges = labelled_edges(any_of(graph), labels);
    EXPECT_EQ(edges.all, all);
    EXPECT_EQ(edges.same, same);
  }
}

}  // namespace
}  // namespace kith
