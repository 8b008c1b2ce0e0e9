// What is measured of a halo protocol's losses, and the budget that is held by it.
#include "kith/exec/error_budget.h"

#include <cmath>

#include "exec/exchange_end.h"
#include "exec/presets.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"

namespace kith::test {
namespace {

constexpr int kRanks = 3;

PartitionedStore parts() { return cut(training_graph(), "random", kRanks); }

Training with(const std::string& model, const HaloProtocol& protocol) {
  Training training = full_graph_training(model);
  training.options.epochs = 5;
  training.options.protocol = protocol;
  training.options.protocol.seed = training.options.seed;
  training.options.protocol.steps = training.options.epochs;
  return training;
}

Training within(double budget, const std::string& encode = "ladder", const std::string& plan = "halo-rows") {
  Training training = with("gcn", {.plan = plan, .encode = encode});
  training.options.error_budget = budget;
  training.options.error_every = 2;
  return training;
}

Training measured(Training training, std::int64_t every = 1) {
  training.options.measure_error = every;
  return training;
}

double sum_of(const Trained& trained, const std::string& prefix) {
  double sum = 0;
  for (const auto& [key, value] : trained.ledger)
    if (key.name.starts_with(prefix) && key.name.ends_with("_bytes")) sum += value;
  return sum;
}

double sent_in_training(const Trained& trained) {
  return sum_of(trained, "halo.forward.") + sum_of(trained, "halo.backward.");
}

TEST(HaloErrors, AnExchangeIsComparedWithTheRowsThemselves) {
  for (const HaloProtocol& protocol :
       {HaloProtocol{.encode = "int4"}, HaloProtocol{.select = "boundary:0.5"},
        HaloProtocol{.select = "bins:3"}, HaloProtocol{.select = "moved:0.3"},
        HaloProtocol{.encode = "adaptive:2"}, HaloProtocol{.schedule = "stale"},
        HaloProtocol{.encode = "int2", .schedule = "sync", .checksum = true}}) {
    on_three_ranks(protocol, [&](const ExchangeEnd& end, Communicator&) {
      for (std::uint32_t step = 0; step < 3; ++step) {
        HaloErrors errors;
        end.graph.exchange().measure(&errors);
        const Matrix got = end.fetched(step);
        const Matrix exact =
            end.rows(end.halo, end.owned, [&](StoreId id, std::int64_t j) { return value_of(id, j, step); });
        double lost = 0;
        for (std::size_t i = 0; i < got.span().size(); ++i)
          lost += std::pow(static_cast<double>(got.span()[i]) - exact.span()[i], 2);
        const std::string where = protocol.select + ' ' + protocol.encode + ' ' + protocol.schedule;
        EXPECT_NEAR(errors.of(1, false).lost, lost, 1e-9 * (1 + lost)) << where << ", step " << step;
        EXPECT_NEAR(errors.of(1, false).whole, dot(exact, exact), 1e-9 * dot(exact, exact)) << where;
        EXPECT_EQ(errors.of(1, true).whole, 0);
      }
      end.graph.exchange().measure(nullptr);
    });
  }
}

TEST(HaloErrors, WhatLosesNothingHasNone) {
  for (const std::string model : {"gcn", "sage-max", "gat", "gatv2"}) {
    for (const std::string plan : {"halo-rows", "needed-rows", "partial-aggregates", "cover", "tensor"}) {
      const Trained trained = trained_on_threads(kRanks, parts(), measured(with(model, {.plan = plan})));
      ASSERT_EQ(trained.measurements.size(), 5u);
      for (const HaloMeasurement& each : trained.measurements) {
        EXPECT_EQ(largest_error(each), 0) << model << ' ' << plan;
        EXPECT_NEAR(each.gradient_cosine, 1, 1e-12) << model << ' ' << plan;
        EXPECT_EQ(each.layers.size(), plan == "tensor" ? 0u : 2u) << "the first of three layers has its rows";
      }
    }
  }
}

TEST(HaloErrors, MeasuringChangesNoBitOfATraining) {
  for (const HaloPreset& preset : halo_presets()) {
    if (ranks_for(preset) != kRanks) continue;
    const Training training = with("gcn", protocol_named(preset.name));
    const Trained alone = trained_on_threads(kRanks, parts(), training);
    const Trained watched = trained_on_threads(kRanks, parts(), measured(training, 2));
    EXPECT_EQ(watched.losses, alone.losses) << preset.name;
    EXPECT_EQ(watched.weights, alone.weights) << preset.name;
    EXPECT_EQ(sent_in_training(watched), sent_in_training(alone)) << preset.name;
    EXPECT_EQ(watched.measurements.size(), 3u) << preset.name;
    EXPECT_EQ(sum_of(alone, "probe."), 0) << preset.name;
    EXPECT_GT(sum_of(watched, "probe."), 0) << preset.name;
  }
}

TEST(HaloErrors, FewerBitsLoseMoreOfTheHaloAndTurnTheGradientFarther) {
  for (const std::string model : {"gcn", "gat"}) {
    double last_error = 0, last_cosine = 1;
    for (const std::string encode : {"bf16", "int8", "int4", "int2"}) {
      const Trained trained =
          trained_on_threads(kRanks, parts(), measured(with(model, {.plan = "cover", .encode = encode}), 9));
      const HaloMeasurement& first = trained.measurements.at(0);
      EXPECT_GT(largest_error(first), last_error) << model << ' ' << encode;
      EXPECT_LT(first.gradient_cosine, last_cosine) << model << ' ' << encode;
      last_error = largest_error(first);
      last_cosine = first.gradient_cosine;
    }
    EXPECT_GT(last_cosine, 0) << model;
  }
}

// The control: without communication on parts that cut most edges.
TEST(HaloErrors, TheGradientWithoutAHaloIsFartherFromTheExactOneThanWithMostOfIt) {
  const auto cosine = [&](const std::string& select) {
    const Trained trained = trained_on_threads(kRanks, parts(), measured(with("gcn", {.select = select})));
    double sum = 0;
    for (const HaloMeasurement& each : trained.measurements) sum += each.gradient_cosine;
    return sum / static_cast<double>(trained.measurements.size());
  };
  // Half of the rows, doubled, lose as much in one step as none: (1 − p) / p of the squares in the mean.
  EXPECT_LT(cosine("boundary:0"), cosine("boundary:0.9") - 0.02);
  EXPECT_NEAR(cosine("boundary:1"), 1, 1e-12);
}

TEST(HaloErrors, RowsThatAreLeftOutAreLostWhole) {
  const Trained trained =
      trained_on_threads(kRanks, parts(), measured(with("gcn", {.select = "boundary:0"})));
  for (const HaloMeasurement::Layer& layer : trained.measurements.at(0).layers) {
    EXPECT_EQ(layer.forward, 1);
    EXPECT_EQ(layer.backward, 1);
  }
}

TEST(ErrorBudget, BothBoundsHoldWheneverTheyAreMeasured) {
  for (const std::string encode : {"ladder", "support-ladder"}) {
    for (const std::string plan : {"halo-rows", "cover"}) {
      double first = 0, last = 0;
      for (const double budget : {0.6, 0.1, 0.01, 0.0001}) {
        Training training = within(budget, encode, plan);
        training.options.least_cosine = 0.5;
        const Trained trained = trained_on_threads(kRanks, parts(), training);
        ASSERT_EQ(trained.measurements.size(), 3u);
        for (const HaloMeasurement& each : trained.measurements) {
          EXPECT_LE(largest_error(each), budget) << encode << ' ' << plan;
          EXPECT_GE(each.gradient_cosine, 0.5) << encode << ' ' << plan;
        }
        EXPECT_GE(sent_in_training(trained), last) << "less may be lost, so no less is sent: " << budget;
        last = sent_in_training(trained);
        if (first == 0) first = last;
      }
      EXPECT_GT(last, first);
    }
  }
}

TEST(ErrorBudget, TheGradientsBoundHoldsWhereTheHalosAllowsAnything) {
  const Trained loose = trained_on_threads(kRanks, parts(), within(1));
  Training training = within(1);
  training.options.least_cosine = 0.9999;
  const Trained tight = trained_on_threads(kRanks, parts(), training);
  EXPECT_LT(loose.measurements.at(0).gradient_cosine, 0.9999);
  for (const HaloMeasurement& each : tight.measurements) EXPECT_GE(each.gradient_cosine, 0.9999);
  EXPECT_GT(sent_in_training(tight), sent_in_training(loose));
}

TEST(ErrorBudget, WithoutABudgetTheTrainingIsTheExactOneBitForBit) {
  for (const std::string plan : {"halo-rows", "needed-rows", "cover"}) {
    const Trained exact = trained_on_threads(kRanks, parts(), with("gcn", {.plan = plan}));
    const Trained none = trained_on_threads(kRanks, parts(), within(0, "ladder", plan));
    EXPECT_EQ(none.losses, exact.losses) << plan;
    EXPECT_EQ(none.weights, exact.weights) << plan;
    // Rows without their zeros make it worth to aggregate first, which rounds otherwise.
    const Trained sparse = trained_on_threads(kRanks, parts(), within(0, "support-ladder", plan));
    EXPECT_LT(largest_relative_difference(sparse.losses, exact.losses), 1e-4) << plan;
    for (const Trained* trained : {&none, &sparse}) {
      for (const HaloMeasurement& each : trained->measurements) {
        EXPECT_EQ(each.passes, 1);
        EXPECT_EQ(largest_error(each), 0) << plan;
        EXPECT_NEAR(each.gradient_cosine, 1, 1e-12) << plan;
      }
    }
  }
}

TEST(ErrorBudget, WhatWasTriedInVainIsCountedApart) {
  Training training = within(0.0001);
  training.options.error_every = 100;
  const Trained trained = trained_on_threads(kRanks, parts(), training);
  EXPECT_EQ(trained.measurements.at(0).passes, 5) << "int2, int4, int8, bf16 and fp32";
  // Beside the frames' lengths the steps sent what a training without a budget sends.
  const Trained plain = trained_on_threads(kRanks, parts(), with("gcn", {}));
  const auto payload = [](const Trained& of) {
    double sum = 0;
    for (const auto& [key, value] : of.ledger)
      if (key.name.starts_with("halo.") && key.name.ends_with(".payload_bytes")) sum += value;
    return sum;
  };
  EXPECT_EQ(payload(trained), payload(plain));
  EXPECT_EQ(trained.losses, plain.losses);
}

TEST(BudgetWalk, ATooLargeErrorTightensItsLayerAndARepeatedStepNeverLoosens) {
  BudgetWalk walk({.error = 0.1, .cosine = 0.9}, {0.4, 0.08, 0.005, 0});
  std::vector<int> rungs{0, 2, 3};
  EXPECT_TRUE(walk.goes_on({{0.3, 0.0001, 0}, 1}, rungs));
  EXPECT_EQ(rungs, (std::vector<int>{1, 2, 3}));
  EXPECT_FALSE(walk.goes_on({{0.07, 0.0001, 0}, 1}, rungs));
  EXPECT_EQ(rungs, (std::vector<int>{1, 2, 3}));
}

TEST(BudgetWalk, AmpleRoomLoosensAndWhatFailsGoesBack) {
  BudgetWalk walk({.error = 0.1, .cosine = 0.9}, {0.4, 0.08, 0.005, 0});
  std::vector<int> rungs{2, 1, 3};
  EXPECT_TRUE(walk.goes_on({{0.002, 0.02, 0}, 0.99}, rungs));
  EXPECT_EQ(rungs, (std::vector<int>{1, 1, 2})) << "the second has room for its error, not for five of it";
  EXPECT_TRUE(walk.goes_on({{0.2, 0.02, 0.005}, 0.99}, rungs));
  EXPECT_EQ(rungs, (std::vector<int>{2, 1, 2}));
  EXPECT_FALSE(walk.goes_on({{0.002, 0.02, 0.005}, 0.99}, rungs));
}

TEST(BudgetWalk, AGradientThatIsTooFarOffTightensTheWorstLayerUntilNothingIsLost) {
  BudgetWalk walk({.error = 1, .cosine = 0.99}, {0.4, 0});
  std::vector<int> rungs{0, 0};
  EXPECT_TRUE(walk.goes_on({{0.2, 0.3}, 0.5}, rungs));
  EXPECT_EQ(rungs, (std::vector<int>{0, 1}));
  EXPECT_TRUE(walk.goes_on({{0.2, 0}, 0.8}, rungs));
  EXPECT_EQ(rungs, (std::vector<int>{1, 1}));
  EXPECT_FALSE(walk.goes_on({{0, 0}, 0.5}, rungs)) << "nothing is left to tighten";
}

TEST(BudgetWalk, WithoutRoomForTheGradientNothingLoosens) {
  BudgetWalk walk({.error = 0.5, .cosine = 0.9}, {0.4, 0.08, 0});
  std::vector<int> rungs{1};
  EXPECT_FALSE(walk.goes_on({{0.01}, 0.94}, rungs));
  BudgetWalk other({.error = 0.5, .cosine = 0.9}, {0.4, 0.08, 0});
  EXPECT_TRUE(other.goes_on({{0.01}, 0.96}, rungs));
  EXPECT_EQ(rungs, std::vector<int>{0});
}

TEST(BudgetWalk, WhatIsNoNumberIsWithinNoBound) {
  BudgetWalk walk({.error = 1, .cosine = -1}, {0.4, 0});
  std::vector<int> rungs{0};
  EXPECT_TRUE(walk.goes_on({{std::nan("")}, std::nan("")}, rungs));
  EXPECT_EQ(rungs, std::vector<int>{1});
  EXPECT_FALSE(walk.goes_on({{std::nan("")}, std::nan("")}, rungs));
}

TEST(Ladder, WhatGoesWithItIsRefusedOtherwise) {
  EXPECT_NO_THROW(check_values({.plan = "cover", .encode = "ladder", .schedule = "sync"}));
  for (const HaloProtocol& protocol :
       {HaloProtocol{.select = "boundary:0.5", .encode = "ladder"},
        HaloProtocol{.encode = "support-ladder", .schedule = "stale"},
        HaloProtocol{.route = "ring", .encode = "ladder"}, HaloProtocol{.plan = "tensor", .encode = "ladder"},
        HaloProtocol{.encode = "ladder", .feedback = true}, HaloProtocol{.encode = "ladder:3"}})
    EXPECT_THROW(check_values(protocol), InputError) << protocol.select << protocol.encode;
}

}  // namespace
}  // namespace kith::test
