// What --protocol auto predicts is what trainings count, and what it takes is the least of that.
#include "kith/exec/protocol_choice.h"

#include <mutex>

#include "exec/trained.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/exec/net_probe.h"
#include "kith/exec/protocol_trial.h"
#include "kith/exec/recompute_cost.h"

namespace kith::test {
namespace {

constexpr int kRanks = 4;

Training with(const std::string& model, const HaloProtocol& protocol) {
  Training training = full_graph_training(model);
  training.options.epochs = 4;
  training.options.protocol = protocol;
  training.options.protocol.seed = training.options.seed;
  return training;
}

std::vector<ProtocolCost> costs_of(const Training& training, const std::string& net) {
  const PartitionedStore parts = cut(training_graph(), "random", kRanks);
  std::vector<std::string> tables(kRanks);
  std::vector<ProtocolCost> costs;
  run_thread_ranks(kRanks, [&](Communicator& comm) {
    auto own = predicted_costs(comm, parts, training.options, factory_of(training.model), net_model(net));
    tables[static_cast<std::size_t>(comm.rank().value())] = cost_table(own, net_model(net));
    if (comm.rank() == Rank{0}) costs = std::move(own);
  });
  for (const std::string& table : tables) EXPECT_EQ(table, tables[0]) << "ranks must choose alike";
  return costs;
}

TEST(ProtocolChoice, PredictedBytesAreThoseThatTrainingsCount) {
  const PartitionedStore parts = cut(training_graph(), "random", kRanks);
  for (const std::string model : {"gcn", "sage", "gat"}) {
    Training training = with(model, {});
    training.options.auto_axes = {"plan", "encode"};
    const auto costs = costs_of(training, "alpha_us=0,gbps=1");
    EXPECT_EQ(costs.size(), 9u) << model << ": of columns of all rows none is left out";
    for (const ProtocolCost& cost : costs) {
      Training one = training;
      one.options.protocol = cost.protocol;
      const double counted =
          trained_trial(parts, one.options, factory_of(one.model)).traffic.halo_bytes_per_epoch();
      EXPECT_NEAR(cost.bytes(), counted, cost.estimated ? 0.6 * counted : 0)
          << model << ", " << cost.protocol.plan << ", " << cost.protocol.encode;
    }
  }
}

TEST(ProtocolChoice, TheCheapestComesFirstAndIsACoverWhereRowsCrossAsTheyAre) {
  Training training = with("gcn", {});
  training.options.auto_axes = {"plan"};
  const auto costs = costs_of(training, "alpha_us=1,gbps=1");
  ASSERT_EQ(costs.size(), 5u);
  for (std::size_t i = 1; i < costs.size(); ++i) EXPECT_LE(costs[i - 1].seconds(), costs[i].seconds());
  EXPECT_EQ(costs.front().protocol.plan, "cover");
  EXPECT_NE(costs.back().protocol.plan, "needed-rows");
}

TEST(ProtocolChoice, AnAxisThatIsSetStays) {
  Training training = with("gin", {.encode = "int4"});
  training.options.auto_axes = {"plan"};
  for (const ProtocolCost& cost : costs_of(training, "alpha_us=1,gbps=1"))
    EXPECT_EQ(cost.protocol.encode, "int4");
  training.options.auto_axes = {"encode"};
  training.options.protocol = {.plan = "needed-rows"};
  for (const ProtocolCost& cost : costs_of(training, "alpha_us=1,gbps=1"))
    EXPECT_EQ(cost.protocol.plan, "needed-rows");
}

TEST(ProtocolChoice, MessagesCostOnANetworkThatIsSlowToStart) {
  Training training = with("gcn", {});
  training.options.auto_axes = {"plan", "encode"};
  for (const ProtocolCost& cost : costs_of(training, "alpha_us=1000000,gbps=1000")) {
    double messages = 0;
    for (const auto& each : cost.exchanges) messages += each.messages;
    EXPECT_GT(cost.seconds(), messages / (kRanks * kRanks)) << "a second each";
  }
}

TEST(RecomputeCost, RowsAreComputedAgainAsLongAsEdgesCostLessThanBytes) {
  EXPECT_EQ(most_edges_worth({.edge = 1, .row = 2, .sent = 5.5}), 3);
  EXPECT_EQ(most_edges_worth({.edge = 1, .row = 5, .sent = 5.5}), 0);
  EXPECT_EQ(most_edges_worth({.edge = 1, .row = 6, .sent = 5}), 0);
  const PartitionedStore parts = cut(training_graph(), "random", kRanks);
  const Training training = with("gcn", {.plan = "recompute"});
  const auto plan = [&](const std::string& net) {
    std::vector<std::string> plans(kRanks);
    run_thread_ranks(kRanks, [&](Communicator& comm) {
      plans[static_cast<std::size_t>(comm.rank().value())] = recompute_plan(
          comm, parts.meta().store, training.options.protocol, factory_of(training.model), net_model(net));
    });
    for (const std::string& own : plans) EXPECT_EQ(own, plans[0]);
    return plans[0];
  };
  EXPECT_EQ(plan("alpha_us=0,gbps=1000000"), "needed-rows");
  EXPECT_TRUE(plan("alpha_us=0,gbps=0.000001").starts_with("recompute:"));
}

TEST(NetProbe, AllRanksHaveTheSameLink) {
  std::mutex mutex;
  std::vector<NetModel> links;
  run_thread_ranks(3, [&](Communicator& comm) {
    const NetModel link = measured_net(comm);
    const std::lock_guard lock(mutex);
    links.push_back(link);
  });
  for (const NetModel& link : links) {
    EXPECT_GT(link.bytes_per_second, 0);
    EXPECT_GE(link.alpha_seconds, 0);
    EXPECT_EQ(link.bytes_per_second, links[0].bytes_per_second);
    EXPECT_EQ(link.alpha_seconds, links[0].alpha_seconds);
  }
}

}  // namespace
}  // namespace kith::test
