#include "kith/graph/reorder.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "graph/random_graphs.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/graph/builders.h"
#include "kith/graph/properties.h"

namespace kith {
namespace {

using kith::testing::any_of;
using kith::testing::Draws;
using kith::testing::entries_of;
using kith::testing::numbers;
using kith::testing::random_edges;

constexpr Order kOrders[] = {Order::none, Order::degree, Order::bfs, Order::community};

Csr32 random_graph(std::uint64_t seed, std::int64_t n, std::int64_t m, bool undirected) {
  const auto edges = random_edges<std::int32_t>(seed, n, m, n > 2 ? n / 2 : -1);
  return csr_from_edges<std::int32_t>({edges.source, edges.destination}, n, {.undirected = undirected});
}

/// n nodes in groups of `size`; an edge leaves its group with probability 1/10. Shuffled.
Csr32 planted_groups(std::int64_t n, std::int64_t size) {
  Draws draws(5);
  std::vector<std::int32_t> name(static_cast<std::size_t>(n));
  std::iota(name.begin(), name.end(), 0);
  for (std::int64_t i = n - 1; i > 0; --i) std::swap(name[i], name[draws.below(i + 1)]);
  testing::EdgeList<std::int32_t> edges;
  for (std::int64_t e = 0; e < 6 * n; ++e) {
    const std::int64_t u = draws.below(n);
    const std::int64_t v = draws.below(10) == 0 ? draws.below(n) : u / size * size + draws.below(size);
    edges.source.push_back(name[u]);
    edges.destination.push_back(name[v]);
  }
  return csr_from_edges<std::int32_t>({edges.source, edges.destination}, n, {.undirected = true});
}

double mean_distance(CsrView<std::int32_t> a) {
  double sum = 0;
  for (const auto& [i, j] : entries_of(a)) sum += static_cast<double>(std::abs(i - j));
  return sum / static_cast<double>(a.m());
}

TEST(Reorder, EveryOrderIsAPermutation) {
  for (const auto& [n, m] : {std::pair{0, 0}, {1, 1}, {2, 0}, {7, 3}, {300, 200}, {2000, 30'000}})
    for (const bool undirected : {false, true})
      for (const Order order : kOrders) {
        const Csr32 a = random_graph(3, n, m, undirected);
        std::vector<std::int64_t> found = numbers(order_of(any_of(a), order));
        std::sort(found.begin(), found.end());
        std::vector<std::int64_t> all(static_cast<std::size_t>(n));
        std::iota(all.begin(), all.end(), 0);
        EXPECT_EQ(found, all) << n << " " << static_cast<int>(order);
      }
}

TEST(Reorder, PermutedByTheOrderAndItsInverseIsTheIdentity) {
  for (const Order order : kOrders) {
    const Csr32 a = random_graph(11, 900, 9000, false);
    const auto forth = order_of(any_of(a), order);
    const Csr32 there = permuted(a.view(), forth.span());
    const Csr32 back = permuted(there.view(), inverse_of(forth.span()).span());
    EXPECT_EQ(numbers(back.indptr), numbers(a.indptr));
    EXPECT_EQ(numbers(back.indices), numbers(a.indices));
  }
}

TEST(Reorder, PermutedRenamesBothEndsOfEveryEdgeAndSortsRows) {
  const Csr32 a = random_graph(13, 500, 4000, false);
  const auto order = order_of(any_of(a), Order::community);
  const auto number = inverse_of(order.span());
  auto want = entries_of(a.view());
  for (auto& [i, j] : want) i = number[i], j = number[j];
  std::sort(want.begin(), want.end());
  EXPECT_EQ(entries_of(permuted(a.view(), order.span()).view()), want);
}

TEST(Reorder, EdgesKnowWhereTheyStood) {
  const Csr32 a = random_graph(17, 500, 4000, false);
  const auto order = order_of(any_of(a), Order::bfs);
  const Csr32 b = permuted(a.view(), order.span());
  const auto edges = permuted_edges(a.view(), order.span());
  const auto before = entries_of(a.view()), after = entries_of(b.view());
  for (std::size_t e = 0; e < after.size(); ++e)
    EXPECT_EQ(before[edges[e]], (std::pair{order[after[e].first], order[after[e].second]}));
}

TEST(Reorder, DegreesFallAndEqualOnesKeepTheirOrder) {
  const Csr32 a = random_graph(19, 700, 3000, true);
  const auto degrees = in_degrees(any_of(a), CountSelf::no);
  std::vector<std::int64_t> want(700);
  std::iota(want.begin(), want.end(), 0);
  std::stable_sort(want.begin(), want.end(),
                   [&](std::int64_t x, std::int64_t y) { return degrees[x] > degrees[y]; });
  EXPECT_EQ(numbers(order_of(any_of(a), Order::degree)), want);
}

TEST(Reorder, BreadthFirstLevelsNeverFallWithinAComponent) {
  const Csr32 a = random_graph(23, 800, 700, true);
  const auto order = order_of(any_of(a), Order::bfs);
  const auto component = connected_components(any_of(a));
  const auto degrees = in_degrees(any_of(a), CountSelf::no);
  std::map<std::int64_t, std::int64_t> start;
  for (const std::int64_t v : order) start.try_emplace(component[v], v);
  // Distances by relaxing until nothing changes.
  std::vector<std::int64_t> distance(800, 1'000'000);
  for (const auto& [c, v] : start) distance[v] = 0;
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [i, j] : entries_of(a.view()))
      if (distance[j] + 1 < distance[i]) distance[i] = distance[j] + 1, changed = true;
  }
  for (std::size_t i = 1; i < order.size(); ++i) {
    EXPECT_LE(degrees[order[i]], degrees[start[component[order[i]]]]);
    if (component[order[i]] == component[order[i - 1]])
      EXPECT_LE(distance[order[i - 1]], distance[order[i]]);
    else
      EXPECT_EQ(order[i], start[component[order[i]]]) << "components are contiguous";
  }
}

TEST(Reorder, CommunitiesBringTheEndsOfEdgesTogether) {
  const Csr32 a = planted_groups(6000, 60);
  const double before = mean_distance(a.view());
  EXPECT_NEAR(mean_edge_length(any_of(a)), before, 1e-9 * before);
  auto after = [&](Order order) {
    return mean_distance(permuted(a.view(), order_of(any_of(a), order).span()).view());
  };
  EXPECT_NEAR(before, 2000, 60) << "a shuffled graph: n/3";
  EXPECT_LT(after(Order::community), 0.2 * before);
  EXPECT_LT(after(Order::community), after(Order::bfs));
}

TEST(Reorder, TheNumberOfThreadsDoesNotChangeAnOrder) {
  const Csr32 a = random_graph(29, 20'000, 100'000, true), b = planted_groups(20'000, 50);
  for (const Csr32* graph : {&a, &b})
    for (const Order order : kOrders) {
      auto with = [&](int threads) {
        const ThreadLimit limit(threads);
        return numbers(order_of(any_of(*graph), order));
      };
      EXPECT_EQ(with(1), with(3)) << static_cast<int>(order);
    }
}

TEST(Reorder, WideIndicesGiveTheOrderOfNarrowOnes) {
  const auto narrow = random_edges<std::int32_t>(31, 600, 2500);
  const auto wide = random_edges<std::int64_t>(31, 600, 2500);
  const Csr32 a = csr_from_edges<std::int32_t>({narrow.source, narrow.destination}, 600, {});
  const Csr64 b = csr_from_edges<std::int64_t>({wide.source, wide.destination}, 600, {});
  for (const Order order : kOrders) {
    const auto x = order_of(any_of(a), order), y = order_of(any_of(b), order);
    EXPECT_EQ(numbers(x), numbers(y));
    EXPECT_EQ(entries_of(permuted(a.view(), x.span()).view()),
              entries_of(permuted(b.view(), y.span()).view()));
  }
}

TEST(Reorder, AnOrderOfAnotherLengthIsRefused) {
  const Csr32 a = random_graph(37, 10, 20, false);
  EXPECT_THROW(permuted(a.view(), Array<std::int64_t>{0, 1}.span()), Error);
}

}  // namespace
}  // namespace kith
