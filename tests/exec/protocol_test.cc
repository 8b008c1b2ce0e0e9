// What each value of the halo protocol's axes promises, on the exchange itself and in training.
#include "kith/exec/halo/protocol.h"

#include <cmath>
#include <map>
#include <mutex>
#include <set>

#include "exec/exchange_end.h"
#include "exec/presets.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"

namespace kith::test {
namespace {

TEST(Protocol, EncodedRowsAreNearWhatWasSent) {
  const std::map<std::string, double> bounds{{"fp32", 0},   {"fp16", 2e-3}, {"bf16", 2e-2}, {"int8", 0.02},
                                             {"int4", 0.3}, {"int2", 1.4},  {"int1", 4}};
  for (const auto& [encode, bound] : bounds) {
    on_three_ranks({.encode = encode}, [&, bound = bound](const ExchangeEnd& end, Communicator&) {
      const Matrix arrived = end.fetched(end.rows(1), 1);
      for (std::int64_t i = 0; i < end.halo; ++i)
        for (std::int64_t j = 0; j < kWidth; ++j)
          ASSERT_NEAR(arrived(i, j), value_of(end.ids[end.owned + i], j, 1), bound) << encode;
    });
  }
}

TEST(Protocol, QuantisedRowsAndGradientsAreRightInTheMean) {
  constexpr std::uint32_t kSteps = 400;
  on_three_ranks({.encode = "int2", .seed = 3}, [&](const ExchangeEnd& end, Communicator&) {
    const Matrix x = end.rows(0);
    Matrix dhalo(end.halo, kWidth);
    for (std::int64_t i = 0; i < end.halo; ++i)
      for (std::int64_t j = 0; j < kWidth; ++j) dhalo(i, j) = value_of(end.ids[end.owned + i], j + 3, 0);
    std::vector<double> sum(static_cast<std::size_t>(end.halo * kWidth)),
        back(static_cast<std::size_t>(x.size()));
    for (std::uint32_t step = 0; step < kSteps; ++step) {
      const Matrix arrived = end.fetched(x, step), dx = end.returned(dhalo, step);
      for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += arrived.data()[k] / kSteps;
      for (std::size_t k = 0; k < back.size(); ++k) back[k] += dx.data()[k] / kSteps;
    }
    // A step of two bits between -1 and 1 is 0.67, the deviation of a mean 0.02 at most, times two ranks.
    for (std::int64_t i = 0; i < end.halo; ++i)
      for (std::int64_t j = 0; j < kWidth; ++j)
        ASSERT_NEAR(sum[i * kWidth + j], value_of(end.ids[end.owned + i], j, 0), 0.1);
    std::map<std::int32_t, int> receivers;
    for (const std::int32_t row : end.graph.exchange().lists().send_rows) ++receivers[row];
    for (const auto& [row, count] : receivers)
      for (std::int64_t j = 0; j < kWidth; ++j)
        ASSERT_NEAR(back[row * kWidth + j], static_cast<float>(count) * value_of(end.ids[row], j + 3, 0),
                    0.12 * count);
  });
}

TEST(Protocol, BoundaryRowsCrossWithProbabilityPAndTheExchangeIsAdjointAndUnbiased) {
  constexpr std::uint32_t kSteps = 600;
  constexpr double kP = 0.3;
  on_three_ranks({.select = "boundary:0.3", .seed = 4}, [&](const ExchangeEnd& end, Communicator& comm) {
    const Matrix x = end.rows(2);
    std::vector<int> times(static_cast<std::size_t>(end.halo));
    for (std::uint32_t step = 0; step < kSteps; ++step) {
      const Matrix arrived = end.fetched(x, step);
      for (std::int64_t i = 0; i < end.halo; ++i) {
        const bool crossed = arrived(i, 0) != 0;
        times[i] += crossed ? 1 : 0;
        for (std::int64_t j = 0; j < kWidth; ++j)
          ASSERT_NEAR(arrived(i, j), crossed ? value_of(end.ids[end.owned + i], j, 2) / kP : 0, 2e-5);
      }
      if (step % 50 != 0) continue;
      const Matrix dx = end.returned(arrived, step);
      double sums[2] = {dot(arrived, arrived), dot(x, dx)};
      all_reduce_sum(comm, std::span<double>(sums), "test");
      EXPECT_NEAR(sums[0], sums[1], 1e-5 * sums[0]);
    }
    // Five deviations of a binomial share.
    for (const int count : times)
      ASSERT_NEAR(count / static_cast<double>(kSteps), kP, 5 * std::sqrt(kP * (1 - kP) / kSteps));
  });
}

TEST(Protocol, StaleRowsAndGradientsAreThoseOfTheStepBefore) {
  on_three_ranks({.schedule = "stale"}, [&](const ExchangeEnd& end, Communicator&) {
    for (std::uint32_t step = 0; step < 5; ++step) {
      const std::uint32_t before = step == 0 ? 0 : step - 1;
      const Matrix arrived = end.fetched(end.rows(step), step);
      for (std::int64_t i = 0; i < end.halo; ++i)
        ASSERT_EQ(arrived(i, 2), value_of(end.ids[end.owned + i], 2, before));
      const Matrix dx = end.returned(Matrix(end.halo, 3, static_cast<float>(step + 1)), step);
      std::vector<int> receivers(static_cast<std::size_t>(end.owned));
      for (const std::int32_t row : end.graph.exchange().lists().send_rows) ++receivers[row];
      for (std::int64_t i = 0; i < end.owned; ++i)
        ASSERT_EQ(dx(i, 1), static_cast<float>(receivers[i]) * static_cast<float>(before + 1));
    }
  });
}

/// The sum of the parameters' gradients would stand behind them on a network; the first step wants its own.
TEST(Protocol, StaleGradientsOfAStepsLastExchangeLeaveWhenNothingWaitsForTheNetwork) {
  for (const std::string encode : {"fp32", "delta:4"}) {
    on_three_ranks({.encode = encode, .schedule = "stale"}, [&](const ExchangeEnd& end, Communicator&) {
      const auto sent = [&] { return end.ledger.total("halo.backward.messages"); };
      const Matrix dhalo(end.halo, 3, 1);
      end.returned(dhalo, 0);
      const double once = sent();
      EXPECT_GT(once, 0);
      end.returned(dhalo, 1);
      EXPECT_EQ(sent(), once);
      end.graph.exchange().send_held();
      EXPECT_EQ(sent(), 2 * once);
      end.returned(dhalo, 2);
      EXPECT_EQ(sent(), 2 * once);
      end.fetched(2);
      EXPECT_EQ(sent(), 3 * once) << "whatever starts is sent behind it";
    });
  }
}

TEST(Protocol, SmoothedRowsAndGradientsAreTheMovingAverageOfWhatHasArrived) {
  on_three_ranks({.schedule = "stale:0.5:0.25"}, [&](const ExchangeEnd& end, Communicator&) {
    const auto value = [](std::uint32_t step) { return static_cast<double>((step * step) % 7); };
    double rows = value(0), gradients = value(0);
    std::vector<int> receivers(static_cast<std::size_t>(end.owned));
    for (const std::int32_t row : end.graph.exchange().lists().send_rows) ++receivers[row];
    for (std::uint32_t step = 0; step < 8; ++step) {
      if (step > 1) {
        rows = 0.5 * rows + 0.5 * value(step - 1);
        gradients = 0.25 * gradients + 0.75 * value(step - 1);
      }
      const Matrix arrived = end.fetched(Matrix(end.owned, 3, static_cast<float>(value(step))), step);
      for (std::int64_t i = 0; i < end.halo; ++i) ASSERT_NEAR(arrived(i, 1), rows, 1e-5) << step;
      const Matrix dx = end.returned(Matrix(end.halo, 3, static_cast<float>(value(step))), step);
      for (std::int64_t i = 0; i < end.owned; ++i)
        ASSERT_NEAR(dx(i, 1), receivers[i] * gradients, 1e-4) << step;
    }
  });
}

/// Ages by counter and age, over layers.
std::map<std::string, double> ages_of(const Ledger& ledger, const std::string& direction) {
  std::map<std::string, double> ages;
  const std::string prefix = "halo.age." + direction + '.';
  for (const auto& [key, count] : ledger.entries())
    if (key.name.starts_with(prefix)) ages[key.name.substr(prefix.size())] += count;
  return ages;
}

TEST(Protocol, TheLedgerHasTheAgesOfTheRowsThatAreUsed) {
  constexpr std::uint32_t kSteps = 12;
  const auto run = [&](const HaloProtocol& protocol, const auto& expected) {
    on_three_ranks(protocol, [&](const ExchangeEnd& end, Communicator&) {
      for (std::uint32_t step = 0; step < kSteps; ++step) {
        end.fetched(end.rows(step), step);
        end.returned(Matrix(end.halo, 1, 1.0f), step);
      }
      // By brute force: rows by the step that sent them.
      std::map<std::string, double> ages;
      for (std::uint32_t step = 0; step < kSteps; ++step)
        for (std::int64_t i = 0; i < end.halo; ++i)
          ages[std::to_string(expected(end.ids[end.owned + i].value(), step))] += 1;
      EXPECT_EQ(ages_of(end.ledger, "forward"), ages) << protocol.select << ", " << protocol.schedule;
      double backward = 0;
      for (const auto& [age, count] : ages_of(end.ledger, "backward")) backward += count;
      EXPECT_EQ(backward, static_cast<double>(kSteps * end.graph.exchange().lists().send_rows.size()));
    });
  };
  run({.schedule = "stale"}, [](std::int64_t, std::uint32_t step) { return step == 0 ? 0u : 1u; });
  const auto in_bins = [](std::uint32_t bins) {
    return [bins](std::int64_t id, std::uint32_t step) {
      std::uint32_t sent = step;
      while (sent > 0 && id % bins != sent % bins) --sent;
      return step - sent;
    };
  };
  run({.select = "bins:4"}, in_bins(4));
  run({.select = "aged:2"}, in_bins(3));
}

TEST(Protocol, NoRowIsOlderThanItsBound) {
  for (const auto& [select, bound] :
       {std::pair("aged:0", 0), {"aged:1", 1}, {"aged:4", 4}, {"moved:1e6:3", 2}, {"moved:0.2:5", 4}}) {
    on_three_ranks({.select = select},
                   [&, select = select, bound = bound](const ExchangeEnd& end, Communicator&) {
                     for (std::uint32_t step = 0; step < 14; ++step) end.fetched(end.rows(step), step);
                     for (const auto& [age, count] : ages_of(end.ledger, "forward"))
                       EXPECT_LE(std::stoi(age), bound) << select;
                   });
  }
}

TEST(Protocol, AStaleSelectionIsTheOneOfTheStepBefore) {
  constexpr std::uint32_t kSteps = 8;
  using Arrived = std::vector<std::vector<float>>;
  const auto run = [](const char* schedule, int rank) {
    Arrived all;
    on_three_ranks(
        {.select = "boundary:0.4", .schedule = schedule}, [&](const ExchangeEnd& end, Communicator& comm) {
          for (std::uint32_t step = 0; step < kSteps; ++step) {
            const Matrix rows = end.fetched(end.rows(step), step);
            const Matrix dx = end.returned(Matrix(end.halo, 3, static_cast<float>(step + 1)), step);
            if (comm.rank() != Rank(rank)) continue;
            all.emplace_back(rows.data(), rows.data() + end.halo * kWidth);
            all.emplace_back(dx.data(), dx.data() + end.owned * 3);
          }
        });
    return all;
  };
  for (int rank = 0; rank < 3; ++rank) {
    const Arrived now = run("sync", rank), late = run("stale", rank);
    for (std::size_t i = 2; i < 2 * kSteps; ++i)
      EXPECT_EQ(late[i], now[i - 2]) << "rank " << rank << ", " << i;
  }
}

TEST(Protocol, ABinOfTheRowsIsOfThisStepAndNoneIsOlderThanTheBins) {
  constexpr std::uint32_t kBins = 4;
  on_three_ranks({.select = "bins:4"}, [&](const ExchangeEnd& end, Communicator&) {
    for (std::uint32_t step = 10; step < 22; ++step) {
      const Matrix arrived = end.fetched(end.rows(step), step);
      const Matrix dx = end.returned(Matrix(end.halo, 1, static_cast<float>(step)), step);
      for (std::int64_t i = 0; i < end.halo; ++i) {
        const StoreId id = end.ids[end.owned + i];
        std::uint32_t sent = step;
        while (sent > 10 && id.value() % kBins != sent % kBins) --sent;
        ASSERT_EQ(arrived(i, 0), value_of(id, 0, sent));
        ASSERT_LT(step - sent, kBins);
      }
      std::map<std::int32_t, float> expected;
      for (const std::int32_t row : end.graph.exchange().lists().send_rows) {
        std::uint32_t sent = step;
        while (sent > 10 && end.ids[row].value() % kBins != sent % kBins) --sent;
        expected[row] += static_cast<float>(sent);
      }
      for (const auto& [row, sum] : expected) ASSERT_EQ(dx(row, 0), sum);
    }
  });
}

Training with(const std::string& model, const HaloProtocol& protocol) {
  Training training = full_graph_training(model);
  training.options.protocol = protocol;
  training.options.protocol.seed = training.options.seed;
  return training;
}

TEST(Protocol, NeededRowsAreTheSameTrainingInEveryBitWithFewerBytes) {
  for (const std::string model : {"gcn", "sage", "sage-max", "gin", "gat", "gatv2"}) {
    for (const std::string method : {"random", "metis"}) {
      const PartitionedStore parts = cut(training_graph(), method, 4);
      const Trained all = trained_on_threads(4, parts, with(model, {}));
      const Trained needed = trained_on_threads(4, parts, with(model, {.plan = "needed-rows"}));
      EXPECT_EQ(needed.losses, all.losses) << model << ", " << method;
      EXPECT_EQ(needed.weights, all.weights) << model << ", " << method;
      EXPECT_LT(needed.halo_bytes, all.halo_bytes) << model << ", " << method;
    }
  }
}

/// Breadth-first from the train nodes over the whole graph, without lists or ranks.
TEST(Protocol, NeededRowsAreTheReceptiveFieldOfTheTrainNodes) {
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  const Store store = Store::open(training_graph().folder.path() / "store");
  const Ownership ownership(parts, 3);
  std::map<std::int64_t, int> rank_of;
  for (int r = 0; r < 3; ++r)
    for (const StoreId id : OwnedData(parts, ownership, Rank(r)).store_ids) rank_of[id.value()] = r;
  // fields[e]: the nodes whose values exchange e + 1 is about, for 3 layers.
  std::vector<std::set<std::int64_t>> rows(3);
  for (const std::int64_t node : store.split(Split::train)) rows[2].insert(node);
  std::vector<std::set<std::pair<int, std::int64_t>>> crossing(3);
  for (int layer = 2; layer >= 1; --layer) {
    rows[layer - 1] = rows[layer];
    store.graph().visit([&](auto csr) {
      for (const std::int64_t node : rows[layer])
        for (std::int64_t e = csr.indptr[node]; e < csr.indptr[node + 1]; ++e) {
          const auto source = static_cast<std::int64_t>(csr.indices[e]);
          rows[layer - 1].insert(source);
          if (rank_of[source] != rank_of[node]) crossing[layer].insert({rank_of[node], source});
        }
    });
  }
  std::mutex mutex;
  std::vector<std::int64_t> counted(3);
  run_thread_ranks(3, [&](Communicator& comm) {
    Ledger ledger;
    const OwnedData owned(parts, ownership, comm.rank());
    LocalGraph local({comm, ledger, ownership, owned}, SelfEdges::as_stored, {.plan = "needed-rows"});
    local.train_only(owned.split[static_cast<int>(Split::train)], 3);
    for (const int layer : {1, 2}) {
      HaloExchange& exchange = *local.layer_graph().halo();
      auto flight = exchange.start_fetch(Cpu{}, Matrix(local.owned(), 1, 1.0f), layer, 0);
      Matrix halo(local.halo(), 1);
      exchange.finish_fetch(Cpu{}, flight, halo);
      const std::lock_guard lock(mutex);
      for (std::int64_t i = 0; i < local.halo(); ++i) {
        const std::int64_t node = local.store_ids()[local.owned() + i].value();
        const bool crosses = crossing[layer].contains({comm.rank().value(), node});
        EXPECT_EQ(halo(i, 0), crosses ? 1 : 0) << "exchange " << layer << ", node " << node;
        counted[layer] += crosses ? 1 : 0;
      }
    }
  });
  EXPECT_EQ(counted[1], std::ssize(crossing[1]));
  EXPECT_EQ(counted[2], std::ssize(crossing[2]));
}

TEST(Protocol, AtItsExactEndAValueIsTheExactTraining) {
  for (const std::string model : {"gcn", "sage", "gin"}) {
    const PartitionedStore parts = cut(training_graph(), "random", 3);
    const Trained exact = trained_on_threads(3, parts, with(model, {}));
    for (const HaloProtocol& protocol :
         {HaloProtocol{.select = "boundary:1"}, HaloProtocol{.select = "bins:1"},
          HaloProtocol{.select = "aged:0"}}) {
      const Trained same = trained_on_threads(3, parts, with(model, protocol));
      EXPECT_EQ(same.losses, exact.losses) << model << ", " << protocol.select;
      EXPECT_EQ(same.weights, exact.weights) << model << ", " << protocol.select;
    }
  }
}

TEST(Protocol, SmoothingByNothingIsTheStaleTraining) {
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  const Trained stale = trained_on_threads(3, parts, with("sage", {.schedule = "stale"}));
  EXPECT_EQ(trained_on_threads(3, parts, with("sage", {.schedule = "stale:0:0"})).losses, stale.losses);
  EXPECT_NE(trained_on_threads(3, parts, with("sage", {.schedule = "stale:0:0.5"})).losses, stale.losses);
  EXPECT_NE(trained_on_threads(3, parts, with("sage", {.schedule = "stale:0.5:0"})).losses, stale.losses);
}

TEST(Protocol, BytesAreThoseOfTheRowsAndTheirEncoding) {
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  const auto bytes = [&](const HaloProtocol& protocol) {
    return trained_on_threads(3, parts, with("sage", protocol)).halo_bytes;
  };
  // Three layers exchange twice a direction, 8 and 4 (classes) columns; the features' bytes are counted, too,
  // once.
  const double fp32 = bytes({}), fp16 = bytes({.encode = "fp16"});
  const double pairs = (fp32 - fp16) / 24, once = fp32 - 48 * pairs;
  EXPECT_GT(once, 0);
  EXPECT_EQ(bytes({.encode = "int8"}) - once, pairs * (4 + 8 + 4 + 4));
  EXPECT_EQ(bytes({.encode = "int4"}) - once, pairs * (4 + 4 + 4 + 2));
  EXPECT_EQ(bytes({.encode = "int1"}) - once, pairs * (4 + 1 + 4 + 1));
  // What is kept is a layer's input, 8 columns each.
  EXPECT_EQ(bytes({.schedule = "stale"}) - once, pairs * 64);
  EXPECT_EQ(bytes({.select = "boundary:0"}), once);
}

TEST(Protocol, EveryPresetTrainsNearTheExactOne) {
  const PartitionedStore parts = cut(training_graph(), "metis", 3);
  for (const std::string model : {"gcn", "gat"}) {
    const double exact = trained_on_threads(3, parts, with(model, {})).losses.back();
    for (const HaloPreset& preset : halo_presets()) {
      if (!fits(preset, model)) continue;
      const int ranks = ranks_for(preset);
      const Trained trained = trained_on_threads(ranks, cut(training_graph(), "metis", ranks),
                                                 with(model, protocol_named(preset.name)));
      EXPECT_NEAR(trained.losses.back(), exact, 0.06 * exact) << preset.name << ", " << model;
    }
  }
}

TEST(Protocol, DelayedAndReorderedMessagesChangeNoBitOfAnyPreset) {
  for (const HaloPreset& preset : halo_presets()) {
    const int ranks = ranks_for(preset);
    const PartitionedStore parts = cut(training_graph(), "metis", ranks);
    Training training = with("gcn", protocol_named(preset.name));
    training.options.epochs = 3;
    const Trained calm = trained_on_threads(ranks, parts, training);
    const Faults faults{.seed = 7, .delay_probability = 0.1, .reorder_probability = 0.3};
    const Trained rough = trained_on_threads(ranks, parts, training, faults);
    EXPECT_EQ(rough.losses, calm.losses) << preset.name;
    EXPECT_EQ(rough.weights, calm.weights) << preset.name;
  }
}

TEST(Protocol, EvaluationIsExactWhateverTrainingLoses) {
  for (const HaloPreset& preset : halo_presets()) {
    Training untrained = with("sage", protocol_named(preset.name)), exact = with("sage", {});
    untrained.options.epochs = exact.options.epochs = 0;
    const int ranks = ranks_for(preset);
    const PartitionedStore parts = cut(training_graph(), "random", ranks);
    const Evaluation some = trained_on_threads(ranks, parts, untrained).evaluation;
    const Evaluation want = trained_on_threads(ranks, parts, exact).evaluation;
    // In a ring sums have another order, evaluated or trained. Rows that are computed again are products of
    // other numbers of rows, whose order of adding may differ.
    const HaloProtocol protocol = protocol_named(preset.name);
    const bool reorders = protocol.route == "ring" || make_plan(protocol.plan)->recomputes().has_value();
    const double rounding = reorders ? 2e-6 : 0;
    for (int split = 0; split < 3; ++split)
      EXPECT_NEAR(some.loss[split], want.loss[split], rounding * want.loss[split]) << preset.name;
  }
}

std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(Protocol, WhatMeansNothingIsRefusedWithTheReason) {
  const PartitionedStore parts = cut(training_graph(), "random", 2);
  EXPECT_NE(
      refusal([&] { trained_on_threads(2, parts, with("gat", {.select = "boundary:0.5"})); }).find("sums"),
      std::string::npos);
  Training normed = with("gcn", {.plan = "needed-rows"});
  normed.model.norm = "batch";
  EXPECT_NE(refusal([&] { trained_on_threads(2, parts, normed); }).find("batch norm"), std::string::npos);
  EXPECT_NE(refusal([] { protocol_named("pipegnc"); }).find("pipegcn?"), std::string::npos);
  EXPECT_NE(refusal([] { protocol_named("pipegcn:x=1"); }).find("no parameter"), std::string::npos);
  EXPECT_NE(refusal([] { protocol_named("bns-gcn:q=1"); }).find("p=VALUE"), std::string::npos);
  EXPECT_NE(refusal([] { protocol_named("bns-gcn:p=1.5"); }).find("from 0 to 1"), std::string::npos);
  EXPECT_NE(refusal([] { make_select("boundary"); }).find("behind a colon"), std::string::npos);
  EXPECT_NE(refusal([] { make_select("bins:2.5"); }).find("behind a colon"), std::string::npos);
  EXPECT_NE(refusal([] { make_encode("fp32:3"); }).find("no parameter"), std::string::npos);
  EXPECT_NE(refusal([] { make_schedule("stale:1"); }).find("from 0 to 0.9999"), std::string::npos);
  EXPECT_NE(refusal([] { make_schedule("stale:"); }).find("behind a colon"), std::string::npos);
  EXPECT_NE(refusal([] { make_schedule("sync:1"); }).find("no parameter"), std::string::npos);
  EXPECT_NE(refusal([] { make_select("aged"); }).find("behind a colon"), std::string::npos);
}

TEST(Protocol, APresetIsTheAxesItSays) {
  EXPECT_EQ(explained(protocol_named("distgnn-cdr:r=7")),
            "--plan halo-rows\n--route point-to-point\n--select bins:7\n--encode fp32\n--schedule stale\n");
  EXPECT_EQ(protocol_named("quant:bits=2").encode, "int2");
  EXPECT_EQ(protocol_named("pipegcn-gf").schedule, "stale:0.95");
  EXPECT_EQ(protocol_named("pipegcn-g:gamma=0.5").schedule, "stale:0:0.5");
  EXPECT_EQ(protocol_named("dorylus:s=3").select, "aged:3");
}

}  // namespace
}  // namespace kith::test
