#include "kith/exec/halo/multicast_trees.h"

#include <algorithm>
#include <map>
#include <set>

#include "comm/draws.h"
#include <gtest/gtest.h>

namespace kith::halo {
namespace {

using Trees = std::vector<std::vector<TreeEdge>>;

std::vector<MulticastGroup> random_groups(int ranks, std::int64_t key) {
  std::vector<MulticastGroup> groups;
  for (std::int64_t g = 0; g < 60; ++g) {
    MulticastGroup group{
        .owner = static_cast<int>(test::draw(31, key, g, 0) % static_cast<std::uint64_t>(ranks)),
        .rows = 1 + static_cast<std::int64_t>(test::draw(32, key, g, 0) % 200),
        .needed_by = {}};
    for (int rank = 0; rank < ranks; ++rank)
      if (rank != group.owner && test::draw(33, key, g, rank) % 3 == 0) group.needed_by.push_back(rank);
    groups.push_back(std::move(group));
  }
  return groups;
}

TreeLinks hosts_of(int ranks, int per_host) {
  TreeLinks links;
  for (int rank = 0; rank < ranks; ++rank) links.host.push_back(rank / per_host);
  return links;
}

/// Every rank that needs the rows gets them once, from one that had them in an earlier stage.
TEST(MulticastTrees, ReachWhoNeedsTheRowsOnceAfterWhoSendsThem) {
  for (std::int64_t key = 0; key < 5; ++key) {
    for (const auto& [ranks, per_host] : std::vector<std::pair<int, int>>{{2, 2}, {5, 2}, {8, 4}, {9, 1}}) {
      const auto groups = random_groups(ranks, key);
      const Trees trees = multicast_trees(hosts_of(ranks, per_host), groups);
      ASSERT_EQ(trees.size(), groups.size());
      for (std::size_t g = 0; g < groups.size(); ++g) {
        std::map<int, int> has{{groups[g].owner, -1}};  // the stage in which it came
        std::vector<TreeEdge> edges = trees[g];
        std::stable_sort(edges.begin(), edges.end(),
                         [](const TreeEdge& a, const TreeEdge& b) { return a.stage < b.stage; });
        for (const TreeEdge& edge : edges) {
          ASSERT_TRUE(has.contains(edge.from)) << key << ", " << g;
          EXPECT_LT(has.at(edge.from), edge.stage);
          EXPECT_TRUE(has.emplace(edge.to, edge.stage).second);
        }
        has.erase(groups[g].owner);
        std::vector<int> reached;
        for (const auto& [rank, stage] : has) reached.push_back(rank);
        EXPECT_EQ(reached, groups[g].needed_by) << key << ", " << g;
      }
    }
  }
}

/// Messages from the owners alone are stars.
TEST(MulticastTrees, TakeNoLongerThanMessagesFromTheOwnersAndLessWhereHostsShareALink) {
  for (std::int64_t key = 0; key < 5; ++key) {
    for (const auto& [ranks, per_host] : std::vector<std::pair<int, int>>{{4, 4}, {8, 4}, {9, 3}}) {
      const TreeLinks links = hosts_of(ranks, per_host);
      const auto groups = random_groups(ranks, key);
      Trees stars;
      for (const MulticastGroup& group : groups) {
        stars.emplace_back();
        for (const int rank : group.needed_by) stars.back().push_back({group.owner, rank, 0});
      }
      const double trees = time_of(links, groups, multicast_trees(links, groups));
      const double share = per_host < ranks ? 0.9 : 1.0;
      EXPECT_LE(trees, share * time_of(links, groups, stars)) << key << ", " << ranks;
    }
  }
}

TEST(MulticastTrees, OfRowsForAWholeHostCrossTheNetworkOnce) {
  const std::vector<MulticastGroup> groups{{.owner = 0, .rows = 100, .needed_by = {1, 2, 3, 4, 5}}};
  const Trees trees = multicast_trees(hosts_of(6, 3), groups);
  EXPECT_EQ(std::count_if(trees[0].begin(), trees[0].end(),
                          [](const TreeEdge& edge) { return edge.from / 3 != edge.to / 3; }),
            1);
  EXPECT_DOUBLE_EQ(time_of(hosts_of(6, 3), groups, trees), 100 + 10);
}

}  // namespace
}  // namespace kith::halo
