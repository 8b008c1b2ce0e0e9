// The rules of training over MPI: every rank also trains alone, by thread ranks, and compares.
#include "exec/trained.h"
#include "mpi_test.h"
#include <gtest/gtest.h>

namespace kith::test {
namespace {

/// Every rank writes the same random store for itself: nothing is shared but the messages.
const RandomStore& graph() {
  static const RandomStore store(
      {.nodes = 160, .degree = 6, .self_loops = true, .cols = 8, .train_stride = 3, .parts = 5});
  return store;
}

void expect_the_training_of_one_rank(const Training& training) {
  const Trained some = trained(world(), graph().open(), training);
  const Trained one = trained_on_threads(1, cut(graph(), "range", 1), training);
  EXPECT_LT(largest_relative_difference(some.losses, one.losses), 1e-4) << training.model.name;
  EXPECT_LT(relative_distance(some.first_gradient, one.first_gradient), 1e-5) << training.model.name;
}

TEST(MpiTraining, FullGraphIsThatOfOneRank) {
  for (const std::string model : {"gcn", "sage", "gat"})
    for (const std::string schedule : {"sync", "overlap"})
      expect_the_training_of_one_rank(full_graph_training(model, schedule));
}

TEST(MpiTraining, EveryRouteIsTheTrainingByMessages) {
  for (const std::string model : {"gcn", "gat"}) {
    for (const std::string schedule : {"sync", "overlap", "stale"}) {
      Training training = full_graph_training(model, schedule);
      training.options.protocol.seed = training.options.seed;
      const Trained messages = trained(world(), graph().open(), training);
      for (const std::string route : {"shared-memory", "two-level", "multicast", "broadcast"}) {
        training.options.protocol.route = route;
        const Trained same = trained(world(), graph().open(), training);
        EXPECT_EQ(same.losses, messages.losses) << model << ", " << schedule << ", " << route;
        EXPECT_EQ(same.weights, messages.weights) << model << ", " << schedule << ", " << route;
      }
    }
  }
  for (const std::string route : {"ring", "replicated:2"}) {
    if (route != "ring" && world().size() != 4) continue;
    Training sums = full_graph_training("gcn");
    sums.options.protocol.route = route;
    expect_the_training_of_one_rank(sums);
  }
}

TEST(MpiTraining, MiniBatchIsThatOfOneRank) {
  for (const std::string model : {"gcn", "sage", "gat"})
    expect_the_training_of_one_rank(mini_batch_training(model));
}

/// Messages come in any order, sums are taken in one: threads and processes give the same bits.
TEST(MpiTraining, IsThatOfThreadRanksInEveryBit) {
  for (const std::string model : {"sage", "gat"}) {
    const Training training = full_graph_training(model);
    const Trained processes = trained(world(), graph().open(), training);
    const Trained threads = trained_on_threads(world().size(), graph().open(), training);
    EXPECT_EQ(processes.losses, threads.losses) << model;
    EXPECT_EQ(processes.weights, threads.weights) << model;
  }
}

}  // namespace
}  // namespace kith::test
