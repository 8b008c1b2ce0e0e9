#include "kith/partition/quality.h"

#include <set>

#include "partition/graphs.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/parallel.h"
#include "kith/partition/constraints.h"
#include "kith/partition/halo.h"

namespace kith {
namespace {

using namespace test;

const Balance& named(const Quality& quality, const std::string& name) {
  for (const Balance& balance : quality.balances)
    if (balance.name == name) return balance;
  throw std::runtime_error("no balance " + name);
}

TEST(Quality, CutAndVolumeEqualTheirDefinitions) {
  for (const int k : {1, 2, 5, 30}) {
    const Csr32 graph = random_graph(200, 1200, 21);
    const Partitioning parts = random_parts(200, k, 22);
    std::int64_t cut = 0;
    std::set<std::pair<std::int32_t, Part>> reached;  // (node, other part its out-edges reach)
    for (std::int64_t v = 0; v < graph.n(); ++v)
      for (const std::int32_t source : graph.view().row(v))
        if (parts.assignment[source] != parts.assignment[v]) {
          ++cut;
          reached.emplace(source, parts.assignment[v]);
        }
    const Quality quality = quality_of(any(graph), parts, {});
    EXPECT_EQ(quality.cut_edges, cut);
    EXPECT_DOUBLE_EQ(quality.cut_fraction, static_cast<double>(cut) / 1200);
    EXPECT_EQ(quality.communication_volume, static_cast<std::int64_t>(reached.size()));
  }
}

TEST(Quality, HaloRowsAreThoseOfThePlans) {
  const Csr32 graph = random_graph(300, 900, 23);
  const Partitioning parts = random_parts(300, 4, 24);
  const PartLayout layout = layout_of(parts);
  const Quality quality = quality_of(any(graph), parts, {});
  for (int p = 0; p < 4; ++p)
    EXPECT_EQ(quality.halo_rows[p],
              halo_plan(part_topology(any(graph), layout, Part(p)), layout, Part(p)).nodes.ssize());
}

TEST(Quality, BalancesAreTheSumsPerPart) {
  // Parts {0, 1}, {2}, {}: in-degrees 0, 2, 1.
  const Csr32 graph = graph_of(3, {{0, 1}, {2, 1}, {0, 2}});
  const Partitioning parts{3, {Part(0), Part(0), Part(1)}};
  const std::int64_t train[] = {1, 2};
  std::vector<BalanceConstraint> constraints;
  constraints.push_back(nodes_constraint(3));
  constraints.push_back(subset_constraint("train", train, 3));
  const Quality quality = quality_of(any(graph), parts, constraints);
  EXPECT_EQ(quality.empty_parts, 1);
  ASSERT_EQ(quality.balances.size(), 3u) << "nodes are counted once";
  EXPECT_EQ(named(quality, "nodes").maximum, 2);
  EXPECT_EQ(named(quality, "nodes").minimum, 0);
  EXPECT_DOUBLE_EQ(named(quality, "nodes").imbalance(), 2);
  EXPECT_EQ(named(quality, "edges").maximum, 2);
  EXPECT_DOUBLE_EQ(named(quality, "edges").mean, 1);
  EXPECT_EQ(named(quality, "train").maximum, 1);
  EXPECT_EQ(quality.cut_edges, 2);
  EXPECT_EQ(quality.communication_volume, 2);
}

TEST(Quality, IsTheSameForAnyThreadCount) {
  const Csr32 graph = random_graph(20000, 100000, 25);
  const Partitioning parts = random_parts(20000, 3, 26);
  const Quality many = quality_of(any(graph), parts, {});
  const ThreadLimit one(1);
  const Quality single = quality_of(any(graph), parts, {});
  EXPECT_EQ(many.cut_edges, single.cut_edges);
  EXPECT_EQ(many.halo_rows, single.halo_rows);
}

TEST(Quality, OfAnEmptyGraphIsZero) {
  const Quality quality = quality_of(any(graph_of(0, {})), Partitioning{2, {}}, {});
  EXPECT_EQ(quality.cut_edges, 0);
  EXPECT_EQ(quality.cut_fraction, 0);
  EXPECT_EQ(quality.empty_parts, 2);
}

TEST(QualityTable, ShowsEveryFigure) {
  Quality quality{.cut_edges = 1234, .cut_fraction = 0.125, .communication_volume = 567};
  quality.halo_rows = {100, 467};
  quality.balances = {{"train", 8, 9, 10}};
  quality.empty_parts = 3;
  const std::string table = table_of(quality);
  for (const char* text : {"1234", "12.50%", "567", "283.5", "467", "train", "1.111", "3"})
    EXPECT_THAT(table, testing::HasSubstr(text));
}

}  // namespace
}  // namespace kith
