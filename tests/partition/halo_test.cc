#include "kith/partition/halo.h"

#include <set>

#include "partition/graphs.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"

namespace kith {
namespace {

using namespace test;

struct Case {
  Csr32 graph;
  Partitioning parts;
  PartLayout layout;
};

Case random_case(int k, std::uint64_t seed) {
  Case made{random_graph(400, 3000, seed), random_parts(400, k, seed + 1), {}};
  made.layout = layout_of(made.parts);
  return made;
}

std::set<GlobalId> foreign_sources(const Case& c, int part) {
  std::set<GlobalId> sources;
  for (std::int64_t v = 0; v < c.graph.n(); ++v)
    for (const std::int32_t source : c.graph.view().row(v))
      if (c.parts.assignment[v] == Part(part) && c.parts.assignment[source] != Part(part))
        sources.insert(c.layout.global_of_store[source]);
  return sources;
}

class Halo : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Parts, Halo, testing::Values(1, 2, 3, 8, 65));

TEST_P(Halo, EveryStoredEdgeIsInExactlyOnePart) {
  const Case c = random_case(GetParam(), 5);
  Edges found, stored;
  for (int p = 0; p < GetParam(); ++p) {
    const PartTopology topology = part_topology(any(c.graph), c.layout, Part(p));
    ASSERT_EQ(topology.indptr.ssize(), c.layout.first[p + 1] - c.layout.first[p] + 1);
    for (std::int64_t row = 0; row + 1 < topology.indptr.ssize(); ++row)
      for (std::int64_t e = topology.indptr[row]; e < topology.indptr[row + 1]; ++e)
        found.emplace_back(c.layout.store_of_global[topology.sources[e].value()].value(),
                           c.layout.store_of_global[c.layout.first[p] + row].value());
  }
  for (std::int64_t v = 0; v < c.graph.n(); ++v)
    for (const std::int32_t source : c.graph.view().row(v)) stored.emplace_back(source, v);
  std::sort(found.begin(), found.end());
  std::sort(stored.begin(), stored.end());
  EXPECT_EQ(found, stored);
}

TEST_P(Halo, RowsAscendByStoreId) {
  const Case c = random_case(GetParam(), 6);
  for (int p = 0; p < GetParam(); ++p) {
    const PartTopology topology = part_topology(any(c.graph), c.layout, Part(p));
    for (std::int64_t row = 0; row + 1 < topology.indptr.ssize(); ++row)
      for (std::int64_t e = topology.indptr[row] + 1; e < topology.indptr[row + 1]; ++e)
        ASSERT_LE(c.layout.store_of_global[topology.sources[e - 1].value()],
                  c.layout.store_of_global[topology.sources[e].value()]);
  }
}

TEST_P(Halo, IsTheSetOfForeignSourcesGroupedByOwner) {
  const Case c = random_case(GetParam(), 7);
  for (int p = 0; p < GetParam(); ++p) {
    const HaloPlan plan = halo_plan(part_topology(any(c.graph), c.layout, Part(p)), c.layout, Part(p));
    const std::set<GlobalId> expected = foreign_sources(c, p);
    ASSERT_EQ(std::vector<GlobalId>(plan.nodes.begin(), plan.nodes.end()),
              std::vector<GlobalId>(expected.begin(), expected.end()));
    ASSERT_EQ(plan.by_owner.ssize(), GetParam() + 1);
    ASSERT_EQ(plan.by_owner[0], 0);
    ASSERT_EQ(plan.by_owner.back(), plan.nodes.ssize());
    for (int q = 0; q < GetParam(); ++q)
      for (std::int64_t i = plan.by_owner[q]; i < plan.by_owner[q + 1]; ++i)
        ASSERT_EQ(c.layout.part_of(plan.nodes[i]), Part(q));
    ASSERT_EQ(plan.by_owner[p], plan.by_owner[p + 1]) << "a part is no halo of its own";
  }
}

TEST(PartTopology, IsTheSameForBothIndexWidthsAndAnyThreadCount) {
  const Csr32 graph = random_graph(5000, 60000, 8);
  const Csr64 wide = widened(graph);
  const PartLayout layout = layout_of(random_parts(5000, 2, 9));
  const PartTopology narrow = part_topology(any(graph), layout, Part(1));
  const HaloPlan plan = halo_plan(narrow, layout, Part(1));
  const ThreadLimit one(1);
  const PartTopology other = part_topology(any(wide), layout, Part(1));
  const HaloPlan other_plan = halo_plan(other, layout, Part(1));
  EXPECT_TRUE(
      std::equal(narrow.sources.begin(), narrow.sources.end(), other.sources.begin(), other.sources.end()));
  EXPECT_TRUE(
      std::equal(plan.nodes.begin(), plan.nodes.end(), other_plan.nodes.begin(), other_plan.nodes.end()));
}

TEST(PartTopology, RefusesAPartThatIsNotThere) {
  const Case c = random_case(2, 10);
  EXPECT_THROW(part_topology(any(c.graph), c.layout, Part(2)), Error);
  EXPECT_THROW(part_topology(any(random_graph(5, 5, 1)), c.layout, Part(0)), Error);
}

}  // namespace
}  // namespace kith
