#include "kith/partition/settings.h"

#include "partition/graphs.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/partition/constraints.h"

namespace kith {
namespace {

using testing::ElementsAre;

Schema schema() {
  Schema made;
  add_partition_settings(made);
  return made;
}

TEST(PartitionSettings, HaveTheDefaultsOfTheOptions) {
  const Schema known = schema();
  const PartitionOptions read = partition_options(Settings(known, "partition")), fresh;
  EXPECT_EQ(read.k, fresh.k);
  EXPECT_EQ(read.method, fresh.method);
  EXPECT_EQ(read.objective, fresh.objective);
  EXPECT_EQ(read.balance, fresh.balance);
  EXPECT_EQ(read.imbalance, fresh.imbalance);
  EXPECT_EQ(read.seed, fresh.seed);
  EXPECT_TRUE(read.assignment.empty());
}

TEST(PartitionSettings, AreReadAsTyped) {
  const Schema known = schema();
  Settings settings(known, "partition");
  settings.set("k", "8", "--k");
  settings.set("method", "range", "--method");
  settings.set("objective", "volume", "--objective");
  settings.set("balance", "nodes,train", "--balance");
  settings.set("assignment", "parts.npy", "--assignment");
  const PartitionOptions options = partition_options(settings);
  EXPECT_EQ(options.k, 8);
  EXPECT_EQ(options.method, "range");
  EXPECT_EQ(options.objective, CutObjective::volume);
  EXPECT_EQ(options.assignment, "parts.npy");
  EXPECT_THAT(balance_names(options.balance), ElementsAre("nodes", "train"));
}

TEST(PartitionSettings, RefuseWhatMakesNoSense) {
  const Schema known = schema();
  Settings settings(known, "partition");
  EXPECT_THROW(settings.set("k", "0", "--k"), InputError);
  EXPECT_THROW(settings.set("method", "mettis", "--method"), InputError);
  settings.set("balance", "nodes,edgse", "--balance");
  EXPECT_THROW(partition_options(settings), InputError);
}

TEST(BalanceNames, RefuseUnknownEmptyAndRepeatedOnes) {
  EXPECT_THAT(balance_names("edges"), ElementsAre("edges"));
  for (const char* list : {"", "nodes,", "nodes,,edges", "nodes,nodes", "degree"})
    EXPECT_THROW(balance_names(list), InputError) << list;
}

TEST(BalanceConstraints, WeighInDegreesAndMembership) {
  const Csr32 graph = test::graph_of(3, {{0, 1}, {2, 1}, {0, 2}});
  const std::int64_t train[] = {2}, outside[] = {3};
  const auto made = balance_constraints("edges,train,nodes", test::any(graph), {.train = train});
  ASSERT_EQ(made.size(), 3u);
  EXPECT_THAT(made[0].weight.span(), ElementsAre(0, 2, 1));
  EXPECT_THAT(made[1].weight.span(), ElementsAre(0, 0, 1));
  EXPECT_THAT(made[2].weight.span(), ElementsAre(1, 1, 1));
  EXPECT_THROW(subset_constraint("train", outside, 3), CorruptError);
}

}  // namespace
}  // namespace kith
