// What the encodings that remember, decide or fall promise, on the exchange itself and in training.
#include <cmath>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "exec/exchange_end.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/exec/halo/protocol.h"

namespace kith::test {
namespace {

TEST(Encodings, SupportBringsEveryBitOfSparseRowsAndTheirGradientsWhereTheyCount) {
  constexpr float kP = 0.5f;
  const PhiloxKey key = philox_key(9, Stream::dropout, 2);
  on_three_ranks({.encode = "support"}, [&](const ExchangeEnd& end, Communicator&) {
    for (std::uint32_t step = 0; step < 3; ++step) {
      const auto sparse = [&](StoreId id, std::int64_t j) {
        const bool kept = draw_words(key, id, step, static_cast<std::uint32_t>(j / 4))[j % 4] >=
                          static_cast<std::uint32_t>(kP * 0x1p32);
        return kept ? 2 * std::max(0.0f, std::sin(static_cast<float>(id.value() * 31 + j * 7))) : 0.0f;
      };
      const Matrix x = end.rows(end.owned, 0, sparse);
      const HaloPass pass{.layer = 1, .step = step, .zeros = ZeroPattern{kP, key}};
      const Matrix arrived = end.fetched(x, pass), expected = end.rows(end.halo, end.owned, sparse);
      ASSERT_EQ(std::vector(arrived.span().begin(), arrived.span().end()),
                std::vector(expected.span().begin(), expected.span().end()));
      const Matrix dhalo =
          end.rows(end.halo, end.owned, [](StoreId id, std::int64_t j) { return value_of(id, j, 1); });
      const Matrix dx = end.returned(dhalo, step);
      std::map<std::int32_t, int> receivers;
      for (const std::int32_t row : end.graph.exchange().lists().send_rows) ++receivers[row];
      for (const auto& [row, count] : receivers)
        for (std::int64_t j = 0; j < kWidth; ++j)
          ASSERT_NEAR(dx(row, j),
                      x(row, j) == 0 ? 0 : static_cast<float>(count) * value_of(end.ids[row], j, 1), 1e-5);
    }
    // A quarter of the elements in both directions, and a bit for each that dropout kept.
    const double rows = end.ledger.total("halo.forward.rows");
    EXPECT_NEAR(end.ledger.total("halo.forward.payload_bytes"), rows * kWidth, 0.25 * rows * kWidth);
    EXPECT_NEAR(end.ledger.total("halo.forward.header_bytes"), rows * kWidth / 16,
                0.3 * rows * kWidth / 16 + 100);
    EXPECT_NEAR(end.ledger.total("halo.backward.payload_bytes") / kWidth,
                end.ledger.total("halo.backward.rows"), 0.25 * rows);
    EXPECT_LT(end.ledger.total("halo.backward.header_bytes"), 100);
  });
}

TEST(Encodings, DenseRowsCrossBySupportAsTheyAre) {
  on_three_ranks({.encode = "support"}, [](const ExchangeEnd& end, Communicator&) {
    const Matrix arrived = end.fetched(2);
    for (std::int64_t i = 0; i < end.halo; ++i)
      for (std::int64_t j = 0; j < kWidth; ++j)
        ASSERT_EQ(arrived(i, j), value_of(end.ids[end.owned + i], j, 2));
  });
}

TEST(Encodings, DeltaApproachesRowsThatStandStillAndFollowsThoseThatMove) {
  on_three_ranks({.encode = "delta:2"}, [](const ExchangeEnd& end, Communicator&) {
    const auto standing = [](StoreId id, std::int64_t j) { return value_of(id, j, 0); };
    const Matrix x = end.rows(end.owned, 0, standing), expected = end.rows(end.halo, end.owned, standing);
    double before = 1e9;
    for (std::uint32_t step = 0; step < 12; ++step) {
      const Matrix arrived = end.fetched(x, {.layer = 1, .step = step});
      double error = 0;
      for (std::int64_t k = 0; k < arrived.size(); ++k)
        error = std::max(error, static_cast<double>(std::abs(arrived.data()[k] - expected.data()[k])));
      EXPECT_LT(error, before * 0.99 + 1e-5) << step;
      before = error;
    }
    EXPECT_LT(before, 0.02);
    const Matrix moved = end.fetched(13);  // every element by 13
    for (std::int64_t i = 0; i < end.halo; ++i)
      ASSERT_NEAR(moved(i, 0), value_of(end.ids[end.owned + i], 0, 13), 0.2);
  });
}

/// Σ (x − what arrived) over the steps telescopes to the last residual.
TEST(Encodings, FeedbackLosesNothingInTheLongRunAndResidualsStayBounded) {
  for (const std::string encode : {"int1", "int2", "int4", "int8", "centroids:0.3"}) {
    on_three_ranks({.encode = encode, .feedback = true}, [&](const ExchangeEnd& end, Communicator&) {
      std::vector<double> owed(static_cast<std::size_t>(end.halo * kWidth));
      double largest = 0;
      for (std::uint32_t step = 0; step < 60; ++step) {
        const auto value = [&](StoreId id, std::int64_t j) { return value_of(id, j + step, 0); };
        // One element stands far out: a range from the least to the largest would lose all others.
        const auto spiked = [&](StoreId id, std::int64_t j) { return j == 3 ? 20.0f : value(id, j); };
        const Matrix arrived = end.fetched(end.rows(end.owned, 0, spiked), {.layer = 1, .step = step});
        for (std::int64_t i = 0; i < end.halo; ++i)
          for (std::int64_t j = 0; j < kWidth; ++j) {
            double& debt = owed[static_cast<std::size_t>(i * kWidth + j)];
            debt += static_cast<double>(spiked(end.ids[end.owned + i], j)) - arrived(i, j);
            if (step >= 30) largest = std::max(largest, std::abs(debt));
          }
      }
      EXPECT_LT(largest, 60) << encode;  // 60 steps of a row that never crossed would owe 1200
    });
  }
}

/// Of a link's rows as many as clusters are different; each is nearer to its own than to any other's, and all
/// lose less than the whole of what they vary by.
TEST(Encodings, CentroidsAreFewRowsAndEachStandsForTheNearest) {
  on_three_ranks({.encode = "centroids:0.2"}, [](const ExchangeEnd& end, Communicator& comm) {
    const Matrix arrived = end.fetched(3);
    const std::vector<std::int64_t>& counts = end.graph.exchange().lists().counts.receive;
    std::int64_t begin = 0, payload = 0;
    for (const std::int64_t count : counts) {
      std::set<std::vector<float>> means;
      double lost = 0, whole = 0;
      for (std::int64_t i = begin; i < begin + count; ++i)
        means.emplace(arrived.view().row(i), arrived.view().row(i) + kWidth);
      const auto distance = [&](std::int64_t i, const auto& mean) {
        double sum = 0;
        for (std::int64_t j = 0; j < kWidth; ++j)
          sum += std::pow(value_of(end.ids[end.owned + i], j, 3) - mean[static_cast<std::size_t>(j)], 2);
        return sum;
      };
      for (std::int64_t i = begin; i < begin + count; ++i) {
        const std::vector<float> own(arrived.view().row(i), arrived.view().row(i) + kWidth);
        for (const auto& mean : means) EXPECT_LE(distance(i, own), distance(i, mean) * (1 + 1e-4) + 1e-4);
        lost += distance(i, own);
        whole += distance(i, std::vector<float>(kWidth, 3.0f));
      }
      const auto clusters = static_cast<std::int64_t>(std::ceil(0.2 * static_cast<double>(count)));
      EXPECT_LE(std::ssize(means), clusters);
      EXPECT_LE(lost, 0.9 * whole);
      payload += clusters * kWidth * 4;
      begin += count;
    }
    double sent[] = {end.ledger.total("halo.forward.payload_bytes"), static_cast<double>(payload)};
    all_reduce_sum(comm, std::span<double>(sent), "compare");
    EXPECT_EQ(sent[0], sent[1]);
  });
}

TEST(Encodings, AdaptiveBitsStayInTheBudgetAndLoseLessThanEqualOnes) {
  // Rows of very different ranges.
  const auto value = [](StoreId id, std::int64_t j) {
    return std::exp2(static_cast<float>(id.value() % 9)) * value_of(id, j, 0);
  };
  const auto loss = [&](const std::string& encode, double& bytes) {
    std::mutex mutex;
    double sum = 0;
    bytes = 0;
    on_three_ranks({.encode = encode}, [&](const ExchangeEnd& end, Communicator&) {
      const Matrix arrived = end.fetched(end.rows(end.owned, 0, value), {.layer = 1, .step = 4});
      const std::lock_guard lock(mutex);
      bytes += end.ledger.total("halo.forward.payload_bytes") + end.ledger.total("halo.forward.header_bytes");
      for (std::int64_t i = 0; i < end.halo; ++i)
        for (std::int64_t j = 0; j < kWidth; ++j)
          sum += std::pow(static_cast<double>(arrived(i, j)) - value(end.ids[end.owned + i], j), 2);
    });
    return sum;
  };
  double equal_bytes = 0, adaptive_bytes = 0;
  const double equal = loss("int2", equal_bytes), adaptive = loss("adaptive:2", adaptive_bytes);
  EXPECT_LT(adaptive, 0.5 * equal);
  EXPECT_LT(adaptive_bytes, 1.08 * equal_bytes);  // codes and lengths come on top
}

/// Σ (arrived − expected)² over Σ expected², of a fetch in all ranks.
double relative_loss(const HaloProtocol& protocol, const std::function<float(StoreId, std::int64_t)>& value,
                     double& bytes) {
  std::mutex mutex;
  double lost = 0, squares = 0;
  bytes = 0;
  on_three_ranks(protocol, [&](const ExchangeEnd& end, Communicator&) {
    const Matrix arrived = end.fetched(end.rows(end.owned, 0, value), {.layer = 1, .step = 4});
    const std::lock_guard lock(mutex);
    bytes += end.ledger.total("halo.forward.payload_bytes") + end.ledger.total("halo.forward.header_bytes");
    for (std::int64_t i = 0; i < end.halo; ++i)
      for (std::int64_t j = 0; j < kWidth; ++j) {
        const double expected = value(end.ids[end.owned + i], j);
        lost += std::pow(arrived(i, j) - expected, 2);
        squares += expected * expected;
      }
  });
  return lost / squares;
}

TEST(Encodings, AnErrorBudgetIsKeptWithFewerBytesTheMoreItAllows) {
  const auto value = [](StoreId id, std::int64_t j) {
    return id.value() % 7 == 0 ? 3.14159f
                               : std::exp2(static_cast<float>(id.value() % 9)) * value_of(id, j, 0);
  };
  double before = 0;
  EXPECT_EQ(relative_loss({.encode = "adaptive:error=0"}, value, before), 0);
  for (const double error : {0.001, 0.01, 0.1, 0.5}) {
    double bytes = 0;
    const double loss = relative_loss({.encode = "adaptive:error=" + std::to_string(error)}, value, bytes);
    EXPECT_LE(loss, 1.1 * error * error) << error;
    EXPECT_LT(bytes, before) << error;
    before = bytes;
  }
}

TEST(Encodings, GroupsKeepAFarElementFromCoarseningItsRow) {
  const auto value = [](StoreId id, std::int64_t j) { return j == 3 ? 1000.0f : value_of(id, j, 0); };
  const auto others = [&](const std::string& encode) {
    double worst = 0;
    std::mutex mutex;
    on_three_ranks({.encode = encode}, [&](const ExchangeEnd& end, Communicator&) {
      const Matrix arrived = end.fetched(end.rows(end.owned, 0, value), {.layer = 1, .step = 4});
      const std::lock_guard lock(mutex);
      for (std::int64_t i = 0; i < end.halo; ++i)
        for (std::int64_t j = 16; j < kWidth; ++j)
          worst = std::max(worst,
                           std::abs(static_cast<double>(arrived(i, j)) - value(end.ids[end.owned + i], j)));
    });
    return worst;
  };
  EXPECT_GT(others("int4"), 10);
  EXPECT_LT(others("int4:16"), 0.15);
  EXPECT_LT(others("int8:8"), 0.01);
}

TEST(Encodings, AGroupOfAllColumnsIsTheRowsOwnScale) {
  for (const std::string encode : {"int8", "int4", "int1"}) {
    const auto arrived = [&](const std::string& name) {
      std::vector<std::vector<float>> all(3);
      on_three_ranks({.encode = name}, [&](const ExchangeEnd& end, Communicator& comm) {
        const Matrix rows = end.fetched(2);
        all[static_cast<std::size_t>(comm.rank().value())] = {rows.span().begin(), rows.span().end()};
      });
      return all;
    };
    EXPECT_EQ(arrived(encode + ":40"), arrived(encode));
    EXPECT_EQ(arrived(encode + ":4000"), arrived(encode));
    EXPECT_NE(arrived(encode + ":39"), arrived(encode));
  }
}

TEST(Encodings, NarrowRowsShareAHeaderAndAreRightInTheMean) {
  constexpr std::uint32_t kSteps = 600;
  constexpr std::int64_t kNarrow = 5;  // seven rows a header
  on_three_ranks({.encode = "int2:64"}, [&](const ExchangeEnd& end, Communicator&) {
    Matrix x(end.owned, kNarrow);
    for (std::int64_t i = 0; i < end.owned; ++i)
      for (std::int64_t j = 0; j < kNarrow; ++j) x(i, j) = value_of(end.ids[i], j, 0);
    std::vector<double> sum(static_cast<std::size_t>(end.halo * kNarrow));
    for (std::uint32_t step = 0; step < kSteps; ++step) {
      const Matrix arrived = end.fetched(x, step);
      for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += arrived.data()[k] / kSteps;
    }
    for (std::int64_t i = 0; i < end.halo; ++i)
      for (std::int64_t j = 0; j < kNarrow; ++j)
        ASSERT_NEAR(sum[static_cast<std::size_t>(i * kNarrow + j)], value_of(end.ids[end.owned + i], j, 0),
                    5 * 0.5 * 0.67 / std::sqrt(kSteps));
    double headers = 0, payload = 0;
    for (const std::int64_t rows : end.graph.exchange().lists().counts.send) {
      if (rows == 0) continue;
      const std::int64_t groups = (rows + 6) / 7, rest = rows % 7;
      headers += static_cast<double>(groups * 4 + 8);  // and the frame's length
      payload += static_cast<double>(rows / 7 * 9 + (rest * kNarrow * 2 + 7) / 8);
    }
    EXPECT_EQ(end.ledger.total("halo.forward.header_bytes"), kSteps * headers);
    EXPECT_EQ(end.ledger.total("halo.forward.payload_bytes"), kSteps * payload);
  });
}

TEST(Encodings, FallingSendsEverMoreColumnsAndIsItsOwnAdjoint) {
  on_three_ranks({.encode = "falling:8", .steps = 11}, [](const ExchangeEnd& end, Communicator& comm) {
    double before = 0;
    for (std::uint32_t step = 0; step <= 10; ++step) {
      const Matrix x = end.rows(end.owned, 0, [](StoreId id, std::int64_t j) { return value_of(id, j, 2); });
      const Matrix arrived = end.fetched(x, {.layer = 1, .step = step});
      std::int64_t crossed = 0;
      for (std::int64_t i = 0; i < end.halo; ++i)
        for (std::int64_t j = 0; j < kWidth; ++j) {
          crossed += arrived(i, j) != 0 ? 1 : 0;
          ASSERT_TRUE(arrived(i, j) == 0 || arrived(i, j) == value_of(end.ids[end.owned + i], j, 2));
        }
      const double ratio = 8 - 0.7 * step;
      EXPECT_EQ(crossed, end.halo * static_cast<std::int64_t>(std::ceil(kWidth / ratio - 1e-9))) << step;
      EXPECT_GE(static_cast<double>(crossed), before);
      before = static_cast<double>(crossed);
      const Matrix dx = end.returned(arrived, step);
      double sums[2] = {dot(arrived, arrived), dot(x, dx)};
      all_reduce_sum(comm, std::span<double>(sums), "test");
      EXPECT_NEAR(sums[0], sums[1], 1e-5 * sums[0]);
    }
  });
}

TEST(Encodings, MovedRowsCrossAndTheOthersAreWhatArrivedLast) {
  constexpr std::uint32_t kOldest = 4;
  on_three_ranks({.select = "moved:0.5:4"}, [&](const ExchangeEnd& end, Communicator&) {
    // Every third node jumps at step 2; all others stand still.
    const auto at = [](StoreId id, std::int64_t j, std::uint32_t step) {
      return value_of(id, j, id.value() % 3 == 0 && step >= 2 ? 9 : 0) + 0.001f * static_cast<float>(step);
    };
    for (std::uint32_t step = 0; step < 8; ++step) {
      const Matrix x = end.rows(end.owned, 0, [&](StoreId id, std::int64_t j) { return at(id, j, step); });
      const Matrix arrived = end.fetched(x, {.layer = 1, .step = step});
      for (std::int64_t i = 0; i < end.halo; ++i) {
        const StoreId id = end.ids[end.owned + i];
        const std::uint32_t first = id.value() % 3 == 0 && step >= 2 ? 2 : 0;
        const std::uint32_t sent = first + (step - first) / kOldest * kOldest;
        for (std::int64_t j = 0; j < kWidth; ++j) ASSERT_EQ(arrived(i, j), at(id, j, sent)) << step;
      }
    }
    EXPECT_GT(end.ledger.total("halo.forward.skipped_rows"), end.ledger.total("halo.forward.rows"));
  });
}

Training with(const std::string& model, const HaloProtocol& protocol) {
  Training training = full_graph_training(model);
  training.options.protocol = protocol;
  training.options.protocol.seed = training.options.seed;
  training.options.protocol.steps = training.options.epochs;
  return training;
}

TEST(Encodings, SupportTrainsAsTheExactProtocolDoesWithFewerBytes) {
  for (const std::string model : {"gcn", "sage", "gin", "gat", "sage-max"}) {
    for (const std::string plan : {"halo-rows", "needed-rows", "cover"}) {
      const PartitionedStore parts = cut(training_graph(), "random", 4);
      const Trained exact = trained_on_threads(4, parts, with(model, {.plan = plan}));
      const Trained coded = trained_on_threads(4, parts, with(model, {.plan = plan, .encode = "support"}));
      EXPECT_LT(largest_relative_difference(coded.losses, exact.losses), 1e-4) << model;
      EXPECT_LT(relative_distance(coded.first_gradient, exact.first_gradient), 1e-5) << model;
      if (model == "gcn") {
        EXPECT_LT(coded.halo_bytes, 0.9 * exact.halo_bytes);
      }
    }
  }
}

TEST(Encodings, AtItsExactEndAValueIsTheExactTraining) {
  for (const std::string model : {"gcn", "sage", "gat"}) {
    const PartitionedStore parts = cut(training_graph(), "random", 3);
    const Trained exact = trained_on_threads(3, parts, with(model, {}));
    for (const HaloProtocol& protocol :
         {HaloProtocol{.select = "moved:0"}, HaloProtocol{.encode = "centroids:1"},
          HaloProtocol{.encode = "falling:1"}, HaloProtocol{.encode = "adaptive:error=0"},
          HaloProtocol{.checksum = true}}) {
      const Trained same = trained_on_threads(3, parts, with(model, protocol));
      EXPECT_LT(largest_relative_difference(same.losses, exact.losses), 1e-4)
          << model << ", " << protocol.select << ", " << protocol.encode;
    }
  }
}

TEST(Encodings, TrainNearTheExactProtocol) {
  const PartitionedStore parts = cut(training_graph(), "metis", 3);
  const double exact = trained_on_threads(3, parts, with("gcn", {})).losses.back();
  for (const HaloProtocol& protocol :
       {HaloProtocol{.encode = "support-int4"}, HaloProtocol{.encode = "support-bf16"},
        HaloProtocol{.encode = "delta:2"}, HaloProtocol{.encode = "int2", .feedback = true},
        HaloProtocol{.encode = "adaptive:1"}, HaloProtocol{.encode = "adaptive:error=0.2"},
        HaloProtocol{.encode = "int4:16"}, HaloProtocol{.encode = "centroids:0.5"},
        HaloProtocol{.encode = "centroids:0.3", .feedback = true},
        HaloProtocol{.select = "bins:3", .encode = "delta:4"},
        HaloProtocol{.select = "moved:0.1", .schedule = "stale"},
        HaloProtocol{.select = "boundary:0.8", .encode = "support"}}) {
    const Trained trained = trained_on_threads(3, parts, with("gcn", protocol));
    EXPECT_NEAR(trained.losses.back(), exact, 0.1 * exact) << protocol.encode << ", " << protocol.select;
  }
}

TEST(Encodings, ACorruptedFrameEndsTheTraining) {
  const Faults faults{.seed = 5, .corrupt_probability = 0.05, .corrupted = "halo exchange"};
  const PartitionedStore parts = cut(training_graph(), "metis", 3);
  try {
    trained_on_threads(3, parts, with("gcn", {.checksum = true}), faults);
    FAIL() << "must be noticed";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_TRUE(message.find("checksum") != std::string::npos ||
                message.find("longer") != std::string::npos || message.find("expected") != std::string::npos)
        << message;
  }
}

TEST(Encodings, WhatMeansNothingIsRefusedWithTheReason) {
  const auto refusal = [](const HaloProtocol& protocol) -> std::string {
    try {
      check_values(protocol);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(refusal({.encode = "support", .schedule = "stale"}).find("other steps"), std::string::npos);
  EXPECT_NE(refusal({.select = "moved:0.1", .encode = "support-int4"}).find("other steps"),
            std::string::npos);
  EXPECT_NE(refusal({.encode = "bf16", .feedback = true}).find("--feedback goes with"), std::string::npos);
  EXPECT_NE(refusal({.encode = "delta:3"}).find("bits"), std::string::npos);
  EXPECT_NE(refusal({.encode = "int4:4"}).find("share a scale"), std::string::npos);
  EXPECT_NE(refusal({.encode = "int4:32", .feedback = true}).find("--feedback goes with"), std::string::npos);
  EXPECT_NE(refusal({.encode = "adaptive:error=2"}).find("from 0 to 1"), std::string::npos);
  EXPECT_NE(refusal({.encode = "adaptive:loss=2"}).find("mean bits"), std::string::npos);
  EXPECT_NE(refusal({.select = "moved"}).find("behind a colon"), std::string::npos);
  EXPECT_NE(refusal({.select = "moved:0.1:0"}).find("steps between"), std::string::npos);
  EXPECT_EQ(refusal({.select = "moved:0.1:7"}), "");
}

}  // namespace
}  // namespace kith::test
