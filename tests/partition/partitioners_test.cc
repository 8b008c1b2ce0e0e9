#include "kith/partition/partitioners.h"

#include <cmath>

#include "partition/graphs.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/partition/constraints.h"
#include "kith/partition/quality.h"

namespace kith {
namespace {

using namespace test;

PartitionRequest request_of(const Csr32& graph, int k, std::uint64_t seed = 1) {
  return {.graph = any(graph), .k = k, .seed = seed};
}

TEST(RandomPartition, HasEqualSizesWhateverKAndN) {
  for (const std::int64_t n : {1, 2, 3, 10, 1000, 4097})
    for (const int k : {1, 2, 3, 7, 100}) {
      const Csr32 graph = graph_of(n, {});
      const auto sizes = sizes_of(random_partition(request_of(graph, k)));
      const auto [least, most] = std::minmax_element(sizes.begin(), sizes.end());
      EXPECT_LE(*most - *least, 1) << n << " nodes, " << k << " parts";
    }
}

TEST(RandomPartition, IsAPureFunctionOfTheSeedForAnyThreadCount) {
  const Csr32 graph = graph_of(50000, {});
  const Partitioning many = random_partition(request_of(graph, 4, 7));
  EXPECT_NE(parts_of(many), parts_of(random_partition(request_of(graph, 4, 8))));
  const ThreadLimit one(1);
  EXPECT_EQ(parts_of(many), parts_of(random_partition(request_of(graph, 4, 7))));
}

TEST(RandomPartition, CutsAPathAsChanceWould) {
  constexpr std::int32_t kNodes = 100000;
  Edges path;
  for (std::int32_t v = 1; v < kNodes; ++v) path.emplace_back(v - 1, v);
  const Csr32 graph = graph_of(kNodes, path);
  for (const int k : {2, 5, 16}) {
    const Quality quality = quality_of(any(graph), random_partition(request_of(graph, k)), {});
    // Five standard deviations of a binomial.
    const double chance = 1 - 1.0 / k, bound = 5 * std::sqrt(chance * (1 - chance) / kNodes);
    EXPECT_NEAR(quality.cut_fraction, chance, bound) << "k = " << k;
  }
}

TEST(RangePartition, IsContiguousAndEqualWithoutConstraints) {
  const Csr32 graph = graph_of(103, {});
  const Partitioning parts = range_partition(request_of(graph, 4));
  EXPECT_TRUE(std::is_sorted(parts.assignment.begin(), parts.assignment.end()));
  const auto sizes = sizes_of(parts);
  EXPECT_LE(*std::max_element(sizes.begin(), sizes.end()), 26);
  EXPECT_GE(*std::min_element(sizes.begin(), sizes.end()), 25);
}

TEST(RangePartition, BalancesTheFirstConstraint) {
  const Csr32 graph = random_graph(2000, 20000, 31);
  PartitionRequest request = request_of(graph, 5);
  request.constraints = balance_constraints("edges", any(graph), {});
  const Quality quality = quality_of(any(graph), range_partition(request), request.constraints);
  EXPECT_LT(quality.balances[1].imbalance(), 1.01);
}

TEST(RangePartition, LeavesNoPartEmptyWhenOneNodeWeighsEverything) {
  for (const std::int32_t hub : {0, 4, 9}) {
    Edges star;
    for (std::int32_t e = 0; e < 50; ++e) star.emplace_back(e % 10, hub);
    const Csr32 graph = graph_of(10, star);
    PartitionRequest request = request_of(graph, 6);
    request.constraints = balance_constraints("edges", any(graph), {});
    EXPECT_THAT(sizes_of(range_partition(request)), testing::Each(testing::Ge(1))) << "hub " << hub;
  }
}

TEST(RangePartition, OfMorePartsThanNodesLeavesTheRestEmpty) {
  const Csr32 graph = graph_of(3, {});
  const Partitioning parts = range_partition(request_of(graph, 5));
  EXPECT_THAT(sizes_of(parts), testing::Each(testing::Le(1)));
  EXPECT_EQ(range_partition(request_of(graph_of(0, {}), 5)).assignment.ssize(), 0);
}

TEST(Partition, RunsEveryMethodByNameAndReportsSecondsAndMemory) {
  const Csr32 graph = two_communities(100, 10, 32);
  for (const std::string& method : partition_methods()) {
    const PartitionResult result = partition(method, request_of(graph, 3));
    EXPECT_EQ(result.partitioning.k, 3) << method;
    EXPECT_THAT(sizes_of(result.partitioning), testing::Each(testing::Ge(1))) << method;
    EXPECT_GT(result.report.seconds, 0) << method;
    EXPECT_GT(result.report.peak_memory_bytes, 0) << method;
  }
}

TEST(Partition, RefusesAnUnknownMethodWithTheNearestName) {
  const Csr32 graph = graph_of(3, {});
  try {
    partition("mettis", request_of(graph, 2));
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("\"metis\""));
  }
  EXPECT_THROW(partition("random", request_of(graph, 0)), InputError);
}

}  // namespace
}  // namespace kith
