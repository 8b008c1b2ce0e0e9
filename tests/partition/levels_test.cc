#include "kith/partition/levels.h"

#include <cmath>
#include <set>

#include "partition/graphs.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/partition/constraints.h"

namespace kith {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::ThrowsMessage;

const std::vector<PartitionLevel> kHostsAndGpus{{"hosts", 2}, {"gpus", 3}};

/// Σ over groups of the distinct nodes of other groups that its in-edges reach, and the edges between groups.
std::pair<std::int64_t, std::int64_t> counted(const Csr32& graph, const Partitioning& parts,
                                              int parts_of_group) {
  std::set<std::pair<std::int32_t, std::int32_t>> rows;
  std::int64_t cut = 0;
  const auto group = [&](std::int64_t v) { return parts.assignment[v].value() / parts_of_group; };
  for (std::int64_t v = 0; v < graph.n(); ++v)
    for (std::int64_t e = graph.indptr[v]; e < graph.indptr[v + 1]; ++e)
      if (group(graph.indices[e]) != group(v)) {
        ++cut;
        rows.emplace(group(v), graph.indices[e]);
      }
  return {cut, static_cast<std::int64_t>(rows.size())};
}

TEST(PartitionLevels, AreReadCoarsestFirst) {
  const auto levels = partition_levels("hosts=2,gpus=4");
  ASSERT_EQ(levels.size(), 2u);
  EXPECT_EQ(levels[0].name, "hosts");
  EXPECT_EQ(levels[1].count, 4);
  EXPECT_EQ(parts_of(levels), 8);
}

TEST(PartitionLevels, OtherTextsAreRefusedWithTheForm) {
  for (const std::string text : {"", "hosts", "hosts=", "=2", "hosts=0", "hosts=2,", "hosts=-1",
                                 "hosts=2000,gpus=2000", "hosts=99999999999"})
    EXPECT_THAT([&] { partition_levels(text); }, ThrowsMessage<InputError>(HasSubstr("hosts=2,gpus=4")))
        << text;
}

TEST(PartitionLevels, TheFirstLevelIsThePartitionersOwnCut) {
  const Csr32 graph = two_communities(300, 40, 5);
  for (const std::string method : {"metis", "ldg", "fennel", "random", "range"}) {
    PartitionRequest request{.graph = any(graph), .k = 6, .seed = 2, .imbalance = 0.06};
    const PartitionResult levelled = partition_by_levels(method, request, kHostsAndGpus);
    request.k = 2;
    request.imbalance = std::sqrt(1.06) - 1;
    const PartitionResult flat = partition(method, request);
    ASSERT_EQ(levelled.partitioning.k, 6);
    for (std::int64_t v = 0; v < graph.n(); ++v)
      ASSERT_EQ(levelled.partitioning.assignment[v].value() / 3, flat.partitioning.assignment[v].value())
          << method << ", node " << v;
  }
}

TEST(PartitionLevels, PartsAreBalancedAndNoneIsEmpty) {
  const Csr32 graph = two_communities(600, 80, 6);
  PartitionRequest request{.graph = any(graph), .k = 6, .seed = 3, .imbalance = 0.05};
  request.constraints = balance_constraints("nodes,edges", any(graph), {});
  const Partitioning parts = partition_by_levels("metis", request, kHostsAndGpus).partitioning;
  const Quality quality = quality_of(any(graph), parts, request.constraints);
  EXPECT_EQ(quality.empty_parts, 0);
  for (const Balance& balance : quality.balances) EXPECT_LT(balance.imbalance(), 1.15) << balance.name;
}

TEST(PartitionLevels, QualitiesEqualTheirDefinitions) {
  const Csr32 graph = random_graph(300, 2000, 41);
  const Partitioning parts = random_parts(300, 12, 42);
  const std::vector<PartitionLevel> levels{{"switches", 2}, {"hosts", 3}, {"gpus", 2}};
  const auto qualities = qualities_of(any(graph), parts, levels);
  ASSERT_EQ(qualities.size(), 3u);
  const std::vector<std::pair<std::size_t, int>> expected{{0, 2}, {1, 6}, {2, 12}};
  for (const auto& [level, groups] : expected) {
    const auto [cut, rows] = counted(graph, parts, 12 / groups);
    EXPECT_EQ(qualities[level].groups, groups);
    EXPECT_EQ(qualities[level].cut_edges, cut);
    EXPECT_EQ(qualities[level].communication_volume, rows);
  }
}

TEST(PartitionLevels, LessCrossesBetweenHostsThanAfterOneCut) {
  // Four tight groups; two pairs of them are joined by many edges, the pairs by few. A cut into four knows no
  // pairs.
  Draws draws(7);
  Edges edges;
  const auto join = [&](std::int32_t group, std::int32_t other) {
    const std::int32_t u = 4 * draws.below(150) + group, v = 4 * draws.below(150) + other;
    edges.emplace_back(u, v);
    edges.emplace_back(v, u);
  };
  for (int e = 0; e < 2000; ++e)
    for (std::int32_t group = 0; group < 4; ++group) join(group, group);
  for (int e = 0; e < 300; ++e) join(0, 2), join(1, 3);
  for (int e = 0; e < 20; ++e) join(0, 1), join(2, 3);
  const Csr32 graph = graph_of(600, edges);
  const std::vector<PartitionLevel> levels{{"hosts", 2}, {"gpus", 2}};
  const PartitionRequest request{.graph = any(graph), .k = 4, .seed = 1};
  const auto qualities =
      qualities_of(any(graph), partition_by_levels("metis", request, levels).partitioning, levels);
  EXPECT_LE(qualities[0].cut_edges, 80) << "the edges between the pairs, both ways";
  EXPECT_LE(qualities[1].cut_edges, 1300) << "and those between the groups";
}

}  // namespace
}  // namespace kith
