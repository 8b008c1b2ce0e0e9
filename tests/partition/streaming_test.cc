#include "partition/graphs.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/partition/constraints.h"
#include "kith/partition/part_loads.h"
#include "kith/partition/partitioners.h"
#include "kith/partition/quality.h"

namespace kith {
namespace {

using namespace test;
using testing::Each;
using testing::Ge;

using Partitioner = Partitioning (*)(const PartitionRequest&);
class Streaming : public testing::TestWithParam<Partitioner> {};
INSTANTIATE_TEST_SUITE_P(LdgAndFennel, Streaming, testing::Values(ldg_partition, fennel_partition));

TEST_P(Streaming, FindsTwoInterleavedCommunities) {
  const Csr32 graph = two_communities(500, 40, 61);
  const PartitionRequest request{.graph = any(graph), .k = 2};
  const Quality quality = quality_of(any(graph), GetParam()(request), {});
  const Quality chance = quality_of(any(graph), random_partition(request), {});
  EXPECT_LT(quality.cut_edges, chance.cut_edges / 4);
}

TEST_P(Streaming, HoldsEveryConstraint) {
  const Csr32 graph = two_communities(2000, 300, 62);
  std::vector<std::int64_t> train;
  for (std::int64_t v = 0; v < 1200; ++v) train.push_back(v);
  PartitionRequest request{.graph = any(graph), .k = 4};
  EXPECT_LE(quality_of(any(graph), GetParam()(request), {}).balances[0].imbalance(), 1.031);
  request.constraints = balance_constraints("nodes,edges,train", any(graph), {.train = train});
  const Quality quality = quality_of(any(graph), GetParam()(request), request.constraints);
  for (const Balance& balance : quality.balances) EXPECT_LT(balance.imbalance(), 1.15) << balance.name;
}

// Fennel's weight of balance counts the stored edges, so this holds to the node for LDG alone.
TEST(Ldg, IgnoresLoopsAndDuplicates) {
  Edges edges, doubled;
  Draws draws(64);
  for (int e = 0; e < 900; ++e) {
    const std::int32_t u = draws.below(300), v = draws.below(300);
    if (u != v) edges.emplace_back(u, v);
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  doubled = edges;
  doubled.insert(doubled.end(), edges.begin(), edges.begin() + 100);
  for (std::int32_t v = 0; v < 300; v += 7) doubled.emplace_back(v, v);
  const Csr32 once = graph_of(300, edges), twice = graph_of(300, doubled);
  EXPECT_EQ(parts_of(ldg_partition({.graph = any(once), .k = 3})),
            parts_of(ldg_partition({.graph = any(twice), .k = 3})));
}

TEST_P(Streaming, GivesTheSamePartsForBothIndexWidths) {
  const Csr32 graph = random_graph(1000, 6000, 65);
  const Csr64 wide = widened(graph);
  EXPECT_EQ(parts_of(GetParam()({.graph = any(graph), .k = 5})),
            parts_of(GetParam()({.graph = any(wide), .k = 5})));
}

TEST_P(Streaming, TakesAnyNumberOfPartsAndNodes) {
  for (const std::int64_t n : {0, 1, 2, 9, 100})
    for (const int k : {1, 2, 9, 50}) {
      const Csr32 graph = n == 0 ? graph_of(0, {}) : random_graph(n, 2 * n, 66);
      const Partitioning parts = GetParam()({.graph = any(graph), .k = k});
      const auto sizes = sizes_of(parts);
      if (k <= n)
        EXPECT_THAT(sizes, Each(Ge(1))) << n << " nodes, " << k << " parts";
      else
        EXPECT_EQ(std::count(sizes.begin(), sizes.end(), 1), n) << n << " nodes, " << k << " parts";
    }
}

TEST(PartLoads, LeastIsTheFirstPartOfTheSmallestLoad) {
  const Csr32 graph = random_graph(200, 900, 67);
  for (const int k : {1, 2, 3, 7, 8, 33}) {
    PartitionRequest request{.graph = any(graph), .k = k};
    request.constraints = balance_constraints("nodes,edges", any(graph), {});
    PartLoads loads(request);
    Draws draws(68);
    for (std::int64_t v = 0; v < 200; ++v) {
      loads.add(v, draws.below(k));
      int least = 0;
      for (int p = 1; p < k; ++p)
        if (loads.load(p) < loads.load(least)) least = p;
      ASSERT_EQ(loads.least(), least);
    }
    loads.clear();
    EXPECT_EQ(loads.least(), 0);
    EXPECT_EQ(loads.load(k - 1), 0);
  }
}

TEST(PartLoads, FitsUpToTheImbalance) {
  const Csr32 graph = graph_of(20, {});
  PartLoads loads({.graph = any(graph), .k = 2, .imbalance = 0.2});  // a mean of 10 nodes, at most 12
  for (std::int64_t v = 0; v < 12; ++v) {
    EXPECT_TRUE(loads.fits(v, 0)) << v;
    loads.add(v, 0);
  }
  EXPECT_FALSE(loads.fits(12, 0));
  EXPECT_DOUBLE_EQ(loads.load(0), 1.2);
}

}  // namespace
}  // namespace kith
