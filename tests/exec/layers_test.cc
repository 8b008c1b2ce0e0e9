// The layers and losses beyond GCN, GraphSAGE-mean and GAT: gradients by differences, and training on several
// ranks as on one, in both regimes.
#include "kith/exec/layers/layers.h"

#include <cmath>

#include "exec/gradient_check.h"
#include "exec/trained.h"
#include <gtest/gtest.h>

#include "kith/exec/lr_schedule.h"
#include "kith/kernels/max.h"

namespace kith::test {
namespace {

const char* const kModels[] = {"sage-max", "gin", "gatv2"};

const RandomStore& graph() {
  static const RandomStore store(
      {.nodes = 200, .degree = 6, .self_loops = true, .cols = 7, .train_stride = 3, .all_splits = true});
  return store;
}

const RandomStore& multi_label_graph() {
  static const RandomStore store({.nodes = 200,
                                  .degree = 6,
                                  .cols = 7,
                                  .classes = 6,
                                  .multi_label = true,
                                  .train_stride = 3,
                                  .all_splits = true});
  return store;
}

/// Rows with a hub, an empty one, and one with the same source twice.
struct SmallGraph {
  Csr32 csr{Array<std::int64_t>{0, 4, 4, 6, 9}, Array<std::int32_t>{0, 2, 4, 5, 3, 3, 1, 4, 2}};
  Array<StoreId> ids = Array<StoreId>(6);
  LayerGraph graph{LayerGraph::Arrays{.csr = csr, .sources = 6, .store_ids = ids.span()}};
};

/// Distinct values 0.1 apart.
void set_spread(Parameter& x) {
  const std::int64_t size = x.value.size();
  for (std::int64_t i = 0; i < size; ++i)
    x.value.data()[i] = 0.1f * static_cast<float>((i * 7) % size) - 0.05f * static_cast<float>(size);
}

TEST(Layers, NeighbourMaximumHasTheGradientOfDifferences) {
  const SmallGraph small;
  Parameters parameters(1);
  set_spread(parameters.zeros("x", {6, 5}));
  expect_gradients(
      parameters,
      [&](Tape& tape, const Parameters& p) {
        const Var input = tape.parameter(p[0]);
        const Var first = neighbour_maximum(tape, small.graph, input);
        return add(tape, first, neighbour_maximum(tape, small.graph, input));
      },
      "neighbour_maximum twice");
}

TEST(Layers, NeighbourMaximumTakesTheFirstOfEquals) {
  const SmallGraph small;
  const Matrix x(6, 3, -2.0f);
  Matrix y(4, 3);
  std::vector<std::int32_t> slots(12);
  row_maximum(Cpu{}, small.csr, {}, x, y, slots);
  for (std::int64_t j = 0; j < 3; ++j) {
    EXPECT_EQ(y(0, j), -2);
    EXPECT_EQ(y(1, j), 0) << "a row without neighbours";
    EXPECT_EQ(slots[static_cast<std::size_t>(j)], 0);
    EXPECT_EQ(slots[static_cast<std::size_t>(3 + j)], -1);
  }
}

/// The layer's gradients at an input of values 0.1 apart, so that a step of the differences changes no
/// maximum.
template <class Layer>
void expect_layer_gradients(const char* what, const std::function<void(Parameters&)>& prepare) {
  const SmallGraph small;
  Parameters parameters(1);
  set_spread(parameters.zeros("x", {6, 3}));
  const Layer layer(parameters, "conv", 3, 4);
  for (std::size_t p = 1; p < parameters.size(); ++p) set_random(parameters[p], 10 + p);
  prepare(parameters);
  expect_gradients(
      parameters,
      [&](Tape& tape, const Parameters& p) { return layer.forward(tape, small.graph, tape.parameter(p[0])); },
      what);
}

TEST(Layers, SageMaxAndGinHaveTheGradientsOfDifferences) {
  expect_layer_gradients<SageMaxConv>("sage-max", [](Parameters&) {});
  // Hidden units far from the rectifier's kink: small weights, biases of both signs. x, eps, weight, bias, ….
  expect_layer_gradients<GinConv>("gin", [](Parameters& parameters) {
    for (float& weight : parameters[2].value.span()) weight *= 0.1f;
    for (std::int64_t j = 0; j < 4; ++j) parameters[3].value.data()[j] = j == 3 ? -4.0f : 4.0f;
  });
}

TEST(Layers, GatV2HasTheGradientOfDifferencesWithAndWithoutDropout) {
  const SmallGraph small;
  for (const double p : {0.0, 0.4}) {
    Parameters parameters(1);
    // Even and odd tenths: no sum of the two is near the rectifier's kink.
    Parameter& left_side = parameters.zeros("left", {4, 6});
    Parameter& right_side = parameters.zeros("right", {6, 6});
    for (std::int64_t i = 0; i < 24; ++i)
      left_side.value.data()[i] = 0.2f * static_cast<float>((i * 5) % 9 - 4);
    for (std::int64_t i = 0; i < 36; ++i)
      right_side.value.data()[i] = 0.2f * static_cast<float>((i * 7) % 9 - 4) + 0.1f;
    set_random(parameters.zeros("att", {1, 2, 3}), 23);
    const AttentionOptions options{.heads = 2, .dropout = p};
    expect_gradients(
        parameters,
        [&](Tape& tape, const Parameters& all) {
          const Var left = tape.parameter(all[0]), right = tape.parameter(all[1]);
          const Var first = attend_additive(tape, small.graph, left, right, all[2], options);
          return add(tape, first, attend_additive(tape, small.graph, left, right, all[2], options));
        },
        "attend_additive twice");
  }
}

TEST(Layers, TrainingOnSeveralRanksIsThatOfOne) {
  for (const std::string model : kModels) {
    const Training full = full_graph_training(model);
    const Trained one = trained_on_threads(1, cut(graph(), "range", 1), full);
    for (const int ranks : {2, 3}) {
      const Trained some = trained_on_threads(ranks, cut(graph(), "random", ranks), full);
      EXPECT_LT(largest_relative_difference(some.losses, one.losses), 1e-4) << model;
      EXPECT_LT(relative_distance(some.first_gradient, one.first_gradient), 1e-5) << model;
    }
    const Training batches = mini_batch_training(model);
    const Trained sampled = trained_on_threads(1, cut(graph(), "range", 1), batches);
    const Trained shared = trained_on_threads(3, cut(graph(), "random", 3), batches);
    EXPECT_LT(largest_relative_difference(shared.losses, sampled.losses), 1e-4) << model;
  }
}

TEST(Layers, SeveralLabelsANodeTrainOnSeveralRanksAsOnOne) {
  for (Training training : {full_graph_training("sage"), mini_batch_training("sage")}) {
    const Trained one = trained_on_threads(1, cut(multi_label_graph(), "range", 1), training);
    EXPECT_NEAR(one.losses.front(), std::log(2.0), 0.2) << "an untrained model answers one half";
    EXPECT_LT(one.losses.back(), one.losses.front());
    for (const int ranks : {2, 3}) {
      const Trained some = trained_on_threads(ranks, cut(multi_label_graph(), "random", ranks), training);
      EXPECT_LT(largest_relative_difference(some.losses, one.losses), 1e-4);
      EXPECT_LT(relative_distance(some.first_gradient, one.first_gradient), 1e-5);
    }
  }
}

TEST(LrSchedule, IsAFunctionOfTheEpoch) {
  const LrSchedule constant, cosine{.name = "cosine"}, step{.name = "step", .step = 10, .gamma = 0.1},
      warm{.warmup = 4};
  EXPECT_EQ(constant.scale(37, 100), 1);
  EXPECT_EQ(cosine.scale(0, 100), 1);
  EXPECT_NEAR(cosine.scale(50, 100), 0.5, 1e-12);
  EXPECT_NEAR(cosine.scale(100, 100), 0, 1e-12);
  EXPECT_EQ(step.scale(9.9, 100), 1);
  EXPECT_NEAR(step.scale(20, 100), 0.01, 1e-12);
  EXPECT_EQ(warm.scale(0, 100), 0.25);
  EXPECT_EQ(warm.scale(3, 100), 1);
  EXPECT_EQ(warm.scale(50, 100), 1);
}

TEST(LrSchedule, TrainingUsesIt) {
  Training still = full_graph_training("gcn");
  still.options.epochs = 3;
  still.options.optimiser.weight_decay = 0;
  Training stepped = still;
  stepped.options.lr_schedule = {.name = "step", .step = 1, .gamma = 0};
  const Trained one = trained_on_threads(1, cut(graph(), "range", 1), still);
  const Trained frozen = trained_on_threads(1, cut(graph(), "range", 1), stepped);
  EXPECT_EQ(frozen.losses[1], one.losses[1]) << "the first step has the full rate";
  still.options.epochs = 1;
  EXPECT_EQ(frozen.weights, trained_on_threads(1, cut(graph(), "range", 1), still).weights)
      << "the others have none";
}

}  // namespace
}  // namespace kith::test
