#include "exec/trained.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"

namespace kith::test {
namespace {

const char* const kModels[] = {"gcn", "sage", "gat"};

const Trained& on_one_rank(const std::string& model) {
  static std::map<std::string, Trained> known;
  if (!known.contains(model))
    known[model] = trained_on_threads(1, cut(training_graph(), "range", 1), full_graph_training(model));
  return known[model];
}

/// The rule: losses within 1e-4 relative over 10 epochs, the first gradient within 1e-5 relative in norm.
void expect_the_training_of_one_rank(const Trained& some, const std::string& model,
                                     const std::string& where) {
  const Trained& one = on_one_rank(model);
  EXPECT_LT(largest_relative_difference(some.losses, one.losses), 1e-4) << model << ", " << where;
  EXPECT_LT(relative_distance(some.first_gradient, one.first_gradient), 1e-5) << model << ", " << where;
}

TEST(FullGraph, TrainingOnAnyRanksAndPartsIsThatOfOneRank) {
  for (const std::string model : kModels) {
    for (const std::string method : {"random", "metis"}) {
      for (const int ranks : {1, 2, 3, 4}) {
        const PartitionedStore parts = cut(training_graph(), method, ranks);
        const Trained overlap = trained_on_threads(ranks, parts, full_graph_training(model, "overlap"));
        expect_the_training_of_one_rank(overlap, model, method + " on " + std::to_string(ranks));
        EXPECT_EQ(overlap.halo_bytes > 0, ranks > 1);
        const Trained sync = trained_on_threads(ranks, parts, full_graph_training(model, "sync"));
        EXPECT_EQ(sync.losses, overlap.losses)
            << model << ", " << method << ": schedules must agree in every bit";
        EXPECT_EQ(sync.weights, overlap.weights) << model << ", " << method;
      }
    }
  }
}

TEST(FullGraph, SeveralPartsOnARankAreTheSameTraining) {
  for (const std::string model : kModels)
    for (const int ranks : {1, 2, 3})
      expect_the_training_of_one_rank(
          trained_on_threads(ranks, cut(training_graph(), "metis", 5), full_graph_training(model)), model,
          "5 parts on " + std::to_string(ranks));
}

TEST(FullGraph, DelayedAndReorderedMessagesChangeNoBit) {
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  for (const std::string model : kModels) {
    const Trained calm = trained_on_threads(3, parts, full_graph_training(model));
    for (std::uint64_t seed = 0; seed < 2; ++seed) {
      const Faults faults{.seed = seed, .delay_probability = 0.3, .reorder_probability = 0.3};
      const Trained rough = trained_on_threads(3, parts, full_graph_training(model), faults);
      EXPECT_EQ(rough.losses, calm.losses) << model;
      EXPECT_EQ(rough.weights, calm.weights) << model;
    }
  }
}

TEST(FullGraph, TheSameRunTwiceIsTheSameInEveryBit) {
  for (const std::string model : kModels) {
    const Trained again =
        trained_on_threads(1, cut(training_graph(), "range", 1), full_graph_training(model));
    EXPECT_EQ(again.losses, on_one_rank(model).losses) << model;
    EXPECT_EQ(again.weights, on_one_rank(model).weights) << model;
  }
}

TEST(FullGraph, EvaluationOnAnyRanksIsThatOfOneRank) {
  Training untrained = full_graph_training("sage");
  untrained.options.epochs = 0;
  const Evaluation one = trained_on_threads(1, cut(training_graph(), "range", 1), untrained).evaluation;
  for (const int ranks : {2, 4}) {
    const Evaluation some =
        trained_on_threads(ranks, cut(training_graph(), "random", ranks), untrained).evaluation;
    for (int split = 0; split < 3; ++split) {
      EXPECT_DOUBLE_EQ(some.accuracy[split], one.accuracy[split]);
      EXPECT_NEAR(some.loss[split], one.loss[split], 1e-5 * one.loss[split]);
    }
  }
}

TEST(FullGraph, ARankWithoutTrainNodesTakesPart) {
  const RandomStore store(
      {.nodes = 150, .degree = 5, .cols = 6, .train_stride = 3, .parts = 3, .parts_without_train = 1});
  for (const std::string model : kModels) {
    const Trained one = trained_on_threads(1, cut(store, "range", 1), full_graph_training(model));
    const Trained three = trained_on_threads(3, store.open(), full_graph_training(model));
    EXPECT_LT(largest_relative_difference(three.losses, one.losses), 1e-4) << model;
    EXPECT_LT(relative_distance(three.first_gradient, one.first_gradient), 1e-5) << model;
  }
}

/// Two halves without an edge between them: nothing crosses, no rank has a halo.
TEST(FullGraph, PartsWithoutHaloNeedNoExchange) {
  const RandomStore store({.nodes = 120, .degree = 0, .self_loops = true, .cols = 6});
  for (const std::string model : kModels) {
    const Trained one = trained_on_threads(1, cut(store, "range", 1), full_graph_training(model));
    const Trained two = trained_on_threads(2, cut(store, "range", 2), full_graph_training(model));
    EXPECT_LT(largest_relative_difference(two.losses, one.losses), 1e-4) << model;
    EXPECT_EQ(two.halo_bytes, 0) << model;
  }
}

TEST(FullGraph, EmptyPartsTakePart) {
  const RandomStore store({.nodes = 3, .degree = 2, .cols = 6, .train_stride = 1});
  for (const std::string model : kModels) {
    const Trained one = trained_on_threads(1, cut(store, "range", 1), full_graph_training(model));
    const Trained four = trained_on_threads(4, cut(store, "range", 4), full_graph_training(model));
    EXPECT_LT(largest_relative_difference(four.losses, one.losses), 1e-4) << model;
  }
}

TEST(FullGraph, MoreRanksThanPartsAreRefused) {
  const PartitionedStore parts = cut(training_graph(), "random", 2);
  EXPECT_THROW(trained_on_threads(3, parts, full_graph_training("gcn")), InputError);
}

}  // namespace
}  // namespace kith::test
