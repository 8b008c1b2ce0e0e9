// Columns of all rows, shared out: what it sends, and what it does not go with. That it is the training of
// one rank is plans_test's.
#include <mutex>

#include "exec/trained.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/exec/halo/forecast.h"
#include "kith/exec/halo/protocol.h"

namespace kith::test {
namespace {

Training by_columns(const std::string& model, const HaloProtocol& others = {}) {
  Training training = full_graph_training(model);
  training.options.protocol = others;
  training.options.protocol.plan = "tensor";
  training.options.protocol.seed = training.options.seed;
  return training;
}

/// Payload of all ranks in training, by layer and direction.
std::map<std::pair<int, bool>, double> payload(const PartitionedStore& parts, const Training& training) {
  std::map<std::pair<int, bool>, double> bytes;
  std::mutex mutex;
  run_thread_ranks(parts.k(), [&](Communicator& comm) {
    const Trained some = trained(comm, parts, training);
    const std::lock_guard lock(mutex);
    for (const auto& [key, value] : some.ledger)
      for (const bool backward : {false, true})
        if (key.name == (backward ? "halo.backward.payload_bytes" : "halo.forward.payload_bytes"))
          bytes[{key.layer, backward}] += value;
  });
  return bytes;
}

/// N rows of ⌈d / P⌉ columns go to every other rank that has columns, and come back; whatever the cut.
TEST(ColumnSplit, BytesAreThoseOfAllRowsWhateverTheCut) {
  for (const auto& [ranks, encode, element] : {std::tuple(2, "fp32", 4), {3, "fp32", 4}, {4, "bf16", 2}}) {
    for (const std::string method : {"random", "metis"}) {
      const PartitionedStore parts = cut(training_graph(), method, ranks);
      Training training = by_columns("sage", {.encode = encode});
      training.options.epochs = 1;
      const Ownership ownership(parts, ranks);
      // Behind the first layer 8 columns, or 4, the classes.
      std::map<std::pair<int, bool>, double> expected;
      for (const auto& [layer, cols] : {std::pair(1, 8), {2, 4}}) {
        const int width = (cols + ranks - 1) / ranks, owners = (cols + width - 1) / width;
        double rows = 0;
        for (int rank = 0; rank < ranks; ++rank)
          rows += static_cast<double>((ownership.end(Rank(rank)) - ownership.first(Rank(rank))) *
                                      (rank < owners ? owners - 1 : owners));
        for (const bool backward : {false, true}) expected[{layer, backward}] = 2 * rows * width * element;
      }
      EXPECT_EQ(payload(parts, training), expected) << method << " on " << ranks;
    }
  }
}

/// GAT's scores, a number a head and side, go with a row, and their gradients come back with its own; of
/// GATv2 two rows of a node go, and every edge has a number a head to be summed over the ranks, in both
/// directions.
TEST(ColumnSplit, BytesOfAttentionAreThoseOfAllRowsAndTheirScores) {
  for (const std::string model : {"gat", "gatv2"}) {
    for (const int ranks : {2, 3, 4}) {
      const PartitionedStore parts = cut(training_graph(), "random", ranks);
      Training training = by_columns(model);
      training.options.epochs = 1;
      const Ownership ownership(parts, ranks);
      std::map<std::pair<int, bool>, double> expected;
      for (const StepExchange& exchange :
           exchanges_of_a_step(parts.meta().store, {}, factory_of(training.model), LayerZero::fetched_once)) {
        const std::int64_t heads = exchange.heads, head = exchange.cols / heads,
                           width = heads * ((head + ranks - 1) / ranks);
        const std::int64_t n = ownership.nodes(),
                           m = parts.meta().store.edges - parts.meta().store.self_loops + n;
        const std::int64_t elements =
            model == "gat" ? n * (2 * width + 2 * heads) : n * 3 * width + 2 * m * heads;
        expected[{exchange.layer, exchange.backward}] = static_cast<double>(elements * (ranks - 1) * 4);
      }
      EXPECT_FALSE(expected.empty());
      EXPECT_EQ(payload(parts, training), expected) << model << " on " << ranks;
    }
  }
}

TEST(ColumnSplit, FewBitsTrainNearTheExactOne) {
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  for (const std::string model : {"gcn", "sage-max", "gat", "gatv2"}) {
    const double exact = trained_on_threads(3, parts, by_columns(model)).losses.back();
    for (const std::string encode : {"bf16", "int8", "int4"})
      EXPECT_NEAR(trained_on_threads(3, parts, by_columns(model, {.encode = encode})).losses.back(), exact,
                  0.06 * exact)
          << model << ", " << encode;
  }
}

TEST(ColumnSplit, DelayedAndReorderedMessagesChangeNoBit) {
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  for (const std::string model : {"gin", "sage-max", "gat", "gatv2"}) {
    Training training = by_columns(model, {.encode = "int8"});
    training.options.epochs = 4;
    const Trained calm = trained_on_threads(3, parts, training);
    const Faults faults{.seed = 3, .delay_probability = 0.3, .reorder_probability = 0.3};
    const Trained rough = trained_on_threads(3, parts, training, faults);
    EXPECT_EQ(rough.losses, calm.losses) << model;
    EXPECT_EQ(rough.weights, calm.weights) << model;
  }
}

std::string refusal(const std::string& model, const HaloProtocol& others) {
  try {
    trained_on_threads(2, cut(training_graph(), "random", 2), by_columns(model, others));
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(ColumnSplit, WhatItDoesNotGoWithIsRefusedWithTheReason) {
  for (const HaloProtocol& others :
       {HaloProtocol{.select = "boundary:0.5"}, HaloProtocol{.select = "bins:2"},
        HaloProtocol{.select = "moved:0.1"}, HaloProtocol{.encode = "support"},
        HaloProtocol{.encode = "adaptive:4"}, HaloProtocol{.encode = "int4:8"},
        HaloProtocol{.schedule = "stale"}, HaloProtocol{.encode = "int8", .feedback = true},
        HaloProtocol{.checksum = true}})
    EXPECT_NE(refusal("gcn", others).find("every row"), std::string::npos)
        << others.select << ", " << others.encode << ", " << others.schedule;
}

}  // namespace
}  // namespace kith::test
