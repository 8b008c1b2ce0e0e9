#include "exec/trained.h"
#include <gtest/gtest.h>

namespace kith::test {
namespace {

const char* const kModels[] = {"gcn", "sage", "gat"};

void expect_the_same_training(const Trained& some, const Trained& one, const std::string& where) {
  EXPECT_LT(largest_relative_difference(some.losses, one.losses), 1e-4) << where;
  EXPECT_LT(relative_distance(some.first_gradient, one.first_gradient), 1e-5) << where;
}

TEST(MiniBatch, TrainingOnAnyRanksAndPartsIsThatOfOneRank) {
  for (const std::string model : kModels) {
    const Training training = mini_batch_training(model);
    const Trained one = trained_on_threads(1, cut(training_graph(), "range", 1), training);
    for (const std::string method : {"random", "metis"})
      for (const int ranks : {2, 4})
        expect_the_same_training(trained_on_threads(ranks, cut(training_graph(), method, 4), training), one,
                                 model + " on " + std::to_string(ranks) + " ranks, " + method);
  }
}

TEST(MiniBatch, CacheAndPrefetchAndFaultsChangeNoBit) {
  Training training = mini_batch_training("sage");
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  const Trained plain = trained_on_threads(3, parts, training);
  for (const char* cache : {"none", "degree:5", "vip:100000"}) {
    for (const int prefetch : {0, 3}) {
      training.options.cache = cache;
      training.options.prefetch = prefetch;
      const Faults faults{.seed = 4, .delay_probability = 0.2, .reorder_probability = 0.2};
      const Trained other = trained_on_threads(3, parts, training, faults);
      EXPECT_EQ(other.losses, plain.losses) << cache << ", " << prefetch;
      EXPECT_EQ(other.weights, plain.weights) << cache << ", " << prefetch;
    }
  }
}

TEST(MiniBatch, AreNotSampledOnADeviceThatIsNotThere) {
  Training training = mini_batch_training("sage");
  training.options.sample_on = "device";
  EXPECT_THROW(trained_on_threads(1, cut(training_graph(), "range", 1), training), InputError);
}

TEST(MiniBatch, WithReplacementIsTheSameOnAnyRanks) {
  for (const std::string model : kModels) {
    Training training = mini_batch_training(model);
    training.options.replace = true;
    const Trained one = trained_on_threads(1, cut(training_graph(), "range", 1), training);
    expect_the_same_training(trained_on_threads(3, cut(training_graph(), "random", 3), training), one, model);
  }
}

/// Without sampling and with all train nodes in one batch, mini-batch training is full-graph training.
TEST(MiniBatch, OfEverythingIsTheFullGraph) {
  for (const std::string model : kModels) {
    Training full = full_graph_training(model);
    full.model.dropout = 0;
    full.options.epochs = 3;
    Training batch = full;
    batch.options.regime = Regime::mini_batch;
    batch.options.fanouts = {-1, -1, -1};
    batch.options.batch_size = 1000;
    const Trained expected = trained_on_threads(1, cut(training_graph(), "range", 1), full);
    for (const int ranks : {1, 3})
      expect_the_same_training(trained_on_threads(ranks, cut(training_graph(), "metis", 3), batch), expected,
                               model + " on " + std::to_string(ranks));
  }
}

/// Dropout of rows is keyed by nodes, so it is even the same with it where attention is not dropped.
TEST(MiniBatch, OfEverythingIsTheFullGraphWithDropoutOfRows) {
  for (const std::string model : {"gcn", "sage"}) {
    Training full = full_graph_training(model);
    full.options.epochs = 3;
    Training batch = full;
    batch.options.regime = Regime::mini_batch;
    batch.options.fanouts = {-1, -1, -1};
    batch.options.batch_size = 1000;
    expect_the_same_training(trained_on_threads(2, cut(training_graph(), "random", 2), batch),
                             trained_on_threads(1, cut(training_graph(), "range", 1), full), model);
  }
}

TEST(MiniBatch, ARankWithoutTrainNodesJoinsEveryStep) {
  const RandomStore store(
      {.nodes = 150, .degree = 5, .cols = 6, .train_stride = 3, .parts = 3, .parts_without_train = 1});
  for (const std::string model : kModels) {
    const Trained one = trained_on_threads(1, cut(store, "range", 1), mini_batch_training(model));
    expect_the_same_training(trained_on_threads(3, store.open(), mini_batch_training(model)), one, model);
  }
}

}  // namespace
}  // namespace kith::test
