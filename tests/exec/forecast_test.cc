// What a protocol is said to send before anything runs is what the ledger counts when it has run.
#include "kith/exec/halo/forecast.h"

#include "exec/presets.h"
#include "exec/trained.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/exec/halo/protocol.h"
#include "kith/exec/net_model.h"
#include "kith/exec/protocol_trial.h"

namespace kith::test {
namespace {

using Entries = std::map<LedgerKey, double>;

Training with(const std::string& model, const HaloProtocol& protocol) {
  Training training = full_graph_training(model);
  training.options.epochs = 7;
  training.options.protocol = protocol;
  training.options.protocol.seed = training.options.seed;
  training.options.protocol.steps = training.options.epochs;
  return training;
}

/// Each rank's ledger of a real training.
std::vector<Entries> counted(const PartitionedStore& parts, const Training& training) {
  std::vector<Entries> ledgers(static_cast<std::size_t>(parts.k()));
  run_thread_ranks(parts.k(), [&](Communicator& comm) {
    ledgers[static_cast<std::size_t>(comm.rank().value())] = trained(comm, parts, training).ledger;
  });
  return ledgers;
}

double sum(const Entries& entries, const std::string& name, int least_layer) {
  double total = 0;
  for (const auto& [key, value] : entries)
    if (key.name == name && key.layer >= least_layer) total += value;
  return total;
}

Entries halo_counts(const Entries& all) {
  Entries counts;
  for (const auto& [key, value] : all)
    if (key.name.starts_with("halo.forward.") || key.name.starts_with("halo.backward."))
      counts.insert({key, value});
  return counts;
}

TEST(Forecast, CountedBytesAreThoseOfThePlanForEveryPreset) {
  for (const std::string model : {"gcn", "gat", "gatv2", "sage-max"}) {
    for (const HaloPreset& preset : halo_presets()) {
      if (!fits(preset, model)) continue;
      const PartitionedStore parts = cut(training_graph(), "random", ranks_for(preset));
      const Training training = with(model, protocol_named(preset.name));
      if (data_decide(training.options.protocol)) {
        EXPECT_THROW(counted_traffic(parts, training.options, factory_of(training.model)), InputError);
        continue;
      }
      const ProtocolTraffic said = counted_traffic(parts, training.options, factory_of(training.model));
      const std::vector<Entries> real = counted(parts, training);
      for (std::size_t rank = 0; rank < real.size(); ++rank)
        EXPECT_EQ(said.ledgers[rank], halo_counts(real[rank]))
            << preset.name << ", " << model << ", rank " << rank;
    }
  }
}

/// Rows, partials and terms, in the protocol's encoding or as they are, with and without a checksum.
TEST(Forecast, CountedBytesAreThoseOfThePlanWhereOwnersMakeMaximaAndAttention) {
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  for (const std::string model : {"gat", "gatv2", "sage-max"}) {
    for (const std::string plan : {"partial-aggregates", "cover"}) {
      for (const std::string encode : {"fp32", "bf16", "int4", "falling:4"}) {
        for (const bool checksum : {false, true}) {
          Training training = with(model, {.plan = plan, .encode = encode, .checksum = checksum});
          training.options.protocol.steps = training.options.epochs = 2;
          const ProtocolTraffic said = counted_traffic(parts, training.options, factory_of(training.model));
          const std::vector<Entries> real = counted(parts, training);
          for (std::size_t rank = 0; rank < real.size(); ++rank) {
            EXPECT_EQ(said.ledgers[rank], halo_counts(real[rank]))
                << model << explained(training.options.protocol) << rank;
            double bytes = 0;
            for (const std::string direction : {"halo.forward.", "halo.backward."})
              bytes += sum(real[rank], direction + "payload_bytes", 1) +
                       sum(real[rank], direction + "header_bytes", 1);
            EXPECT_EQ(bytes, sum(real[rank], "halo.bytes", 1)) << model << ", " << plan << ", " << encode;
          }
        }
      }
    }
  }
}

/// Every value of an axis beside every value of every other; what a plan of sums cannot be combined with is
/// refused.
TEST(Forecast, CountedBytesAreThoseOfThePlanForEveryPairOfValues) {
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  const std::vector<std::string> selects{"all", "boundary:0.5", "bins:3"}, encodes{"fp32", "bf16", "int4"},
      schedules{"sync", "overlap", "stale"};
  int refused = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      for (const std::string& plan : halo_choices("plan")) {
        const HaloProtocol protocol{
            .plan = plan, .select = selects[i], .encode = encodes[j], .schedule = schedules[(i + j) % 3]};
        Training training = with("gin", protocol);
        training.options.epochs = 4;
        const bool keeps = i == 2 || (i + j) % 3 == 2, sums = plan == "partial-aggregates" || plan == "cover";
        const bool rows_apart = i > 0 || keeps;  // which columns of all rows know nothing of
        if ((keeps && sums) || (rows_apart && plan == "tensor")) {
          ++refused;
          EXPECT_THROW(counted_traffic(parts, training.options, factory_of(training.model)), InputError);
          continue;
        }
        const ProtocolTraffic said = counted_traffic(parts, training.options, factory_of(training.model));
        const std::vector<Entries> real = counted(parts, training);
        for (std::size_t rank = 0; rank < real.size(); ++rank)
          EXPECT_EQ(said.ledgers[rank], halo_counts(real[rank])) << explained(protocol) << rank;
      }
    }
  }
  EXPECT_EQ(refused, 17);
}

TEST(Forecast, CountedBytesAreThoseOfThePlanWithScalesOfGroups) {
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  for (const std::string encode : {"int8:8", "int2:64"}) {
    for (const std::string select : {"all", "boundary:0.4", "aged:2"}) {
      Training training = with("sage", {.select = select, .encode = encode});
      training.model.hidden = 48;  // and four classes: wide rows and narrow ones
      const ProtocolTraffic said = counted_traffic(parts, training.options, factory_of(training.model));
      const std::vector<Entries> real = counted(parts, training);
      for (std::size_t rank = 0; rank < real.size(); ++rank)
        EXPECT_EQ(said.ledgers[rank], halo_counts(real[rank])) << encode << ", " << select << ", " << rank;
    }
  }
}

/// The exchange's own counts, of the messages that it really made.
TEST(Forecast, PayloadAndHeadersAreWhatCrossedTheWire) {
  for (const HaloPreset& preset : halo_presets()) {
    const PartitionedStore parts = cut(training_graph(), "metis", ranks_for(preset));
    for (const Entries& entries : counted(parts, with("gcn", protocol_named(preset.name)))) {
      double bytes = 0, messages = 0, rows = 0;
      for (const std::string direction : {"halo.forward.", "halo.backward."}) {
        bytes += sum(entries, direction + "payload_bytes", 1) + sum(entries, direction + "header_bytes", 1);
        messages += sum(entries, direction + "messages", 1);
        rows += sum(entries, direction + "rows", 1);
      }
      EXPECT_EQ(bytes, sum(entries, "halo.bytes", 1)) << preset.name;
      EXPECT_EQ(messages, sum(entries, "halo.messages", 1)) << preset.name;
      EXPECT_EQ(rows, sum(entries, "halo.rows", 1)) << preset.name;
    }
  }
}

TEST(Forecast, WhatCrossesOnceIsListsAndFeaturesOrTheirSums) {
  const PartitionedStore parts = cut(training_graph(), "random", 4);
  for (const std::string plan : {"halo-rows", "cover"}) {
    for (const double input_dropout : {0.0, 0.5}) {
      Training training = with("sage", {.plan = plan});
      training.model.input_dropout = input_dropout;
      double once = 0;
      for (const Entries& entries : counted(parts, training))
        once +=
            sum(entries, "setup.bytes", -1) + sum(entries, "halo.bytes", 0) - sum(entries, "halo.bytes", 1);
      EXPECT_EQ(counted_traffic(parts, training.options, factory_of(training.model)).one_time_bytes, once)
          << plan;
    }
  }
}

/// Small enough to count by hand: the halo rows of `kith partition`, three layers of widths 12, 8, 8 and 4
/// classes. Layer 0 sends the features (12 < 2 · 8), the last layer its product.
TEST(Forecast, ReferencesAreTheHaloRowsAndTheBroadcastOfEveryLayer) {
  const PartitionedStore parts = cut(training_graph(), "random", 4);
  std::int64_t halo = 0;
  for (Part part{0}; part.value() < 4; ++part) halo += std::ssize(parts.part(part).halo);
  const Training training = with("gcn", {});
  const auto traffic = [&](Reference reference) {
    return reference_traffic(parts, training.options, factory_of(training.model), reference);
  };
  constexpr double kWidths = 12 + 2 * 8 + 2 * 4;
  EXPECT_EQ(traffic(Reference::halo_rows).halo_bytes_per_epoch(), static_cast<double>(halo) * 4 * kWidths);
  EXPECT_EQ(traffic(Reference::broadcast).halo_bytes_per_epoch(), 240.0 * 3 * 4 * kWidths);
  EXPECT_EQ(traffic(Reference::broadcast).per_epoch("messages"), 4 * 3 * 5);
}

TEST(Forecast, ATrialIsTheTrainingOfAsManyRanks) {
  const PartitionedStore parts = cut(training_graph(), "metis", 3);
  const Training training = with("sage", protocol_named("quant:bits=2"));
  const ProtocolTrial trial = trained_trial(parts, training.options, factory_of(training.model));
  const Trained trained = trained_on_threads(3, parts, training);
  EXPECT_EQ(trial.traffic.ledgers[0],
            counted_traffic(parts, training.options, factory_of(training.model)).ledgers[0]);
  EXPECT_GE(trial.best.score[1], trained.evaluation.score[1]);
  EXPECT_GT(trial.best_epoch, 0);
}

TEST(NetModel, AnExchangeLastsAsLongAsItsBusiestRank) {
  const NetModel net = net_model("alpha_us=10,gbps=8");  // 10⁹ bytes a second
  std::vector<Entries> ledgers(3);
  ledgers[0][{"halo.forward.payload_bytes", 1, 1}] = 3e6;
  ledgers[0][{"halo.forward.messages", 1, 1}] = 1;
  ledgers[2][{"halo.forward.payload_bytes", 1, 1}] = 2e6;
  ledgers[2][{"halo.forward.header_bytes", 1, 1}] = 1e6;
  ledgers[2][{"halo.forward.messages", 1, 1}] = 1;
  ledgers[1][{"halo.backward.payload_bytes", 1, 0}] = 5e6;
  ledgers[1][{"halo.bytes", 1, 0}] = 5e9;
  // Rank 1 receives 6 MB in two messages; then rank 0 receives 5 MB.
  EXPECT_DOUBLE_EQ(modelled_seconds(net, ledgers), 6e-3 + 2e-5 + 5e-3);
  // Ranks 0 and 1 share a host.
  EXPECT_DOUBLE_EQ(modelled_seconds(net_model("alpha_us=10,gbps=8,intra=2"), ledgers), 3e-3 + 1e-5);
  EXPECT_DOUBLE_EQ(modelled_seconds(net_model("alpha_us=10,gbps=8,intra=2:80"), ledgers),
                   3e-3 + 1e-5 + 3e-4 + 5e-4);
  // What rank 2 sends takes twice as long.
  EXPECT_DOUBLE_EQ(modelled_seconds(net_model("alpha_us=10,gbps=8,slow=2:2"), ledgers),
                   3e-3 + 1e-5 + 2 * (3e-3 + 1e-5) + 5e-3);
}

TEST(NetModel, AFitFindsTheNetworkBehindNoisyTimes) {
  std::vector<std::pair<double, double>> points;
  int sign = 1;
  for (const double bytes : {8.0, 1e3, 1e4, 1e5, 1e6, 1e7}) {
    points.emplace_back(bytes, (25e-6 + bytes / 1.25e9) * (1 + 0.02 * sign));
    sign = -sign;
  }
  const NetModel net = fitted_net_model(points);
  EXPECT_NEAR(net.alpha_seconds, 25e-6, 1e-6);
  EXPECT_NEAR(net.bytes_per_second, 1.25e9, 0.05e9);
  EXPECT_THROW(fitted_net_model(std::vector<std::pair<double, double>>{{8, 1e-6}}), Error);
}

TEST(NetModel, OtherTextsAreRefusedWithTheForm) {
  for (const std::string text : {"", "gbps=10", "alpha_us=1", "alpha_us=x,gbps=1", "alpha_us=1,gbps=0",
                                 "alpha_us=1,gbps=1,x=2", "alpha_us=1,gbps=1,intra=0", "alpha_us=-1,gbps=1",
                                 "alpha_us=1,gbps=1,slow=2", "alpha_us=1,gbps=1,slow=2:0.5"})
    EXPECT_THROW(net_model(text), InputError) << text;
}

}  // namespace
}  // namespace kith::test
