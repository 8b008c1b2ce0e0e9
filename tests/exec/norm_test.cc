// Norms, residual connections and jumping knowledge: gradients by differences, statistics by definition, and
// training on several ranks as on one.
#include <cmath>

#include "exec/gradient_check.h"
#include "exec/trained.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/exec/ops.h"

namespace kith::test {
namespace {

constexpr std::int64_t kRows = 9, kWidth = 5;

/// A graph of kRows nodes without edges: all that batch norm asks of one.
struct Edgeless {
  Array<std::int64_t> indptr = Array<std::int64_t>(kRows + 1, 0);
  LayerGraph graph{LayerGraph::Arrays{.csr = {indptr.span(), {}}, .sources = kRows}};
};

Parameters norm_parameters() {
  Parameters parameters(1);
  set_random(parameters.zeros("x", {kRows, kWidth}), 1);
  set_random(parameters.zeros("weight", {kWidth}), 2);
  set_random(parameters.zeros("bias", {kWidth}), 3);
  return parameters;
}

TEST(Norm, LayerNormHasTheGradientOfDifferences) {
  Parameters parameters = norm_parameters();
  expect_gradients(
      parameters,
      [](Tape& tape, const Parameters& p) {
        const Var x = tape.parameter(p[0]);
        const Var y = layer_norm(tape, x, p[1], p[2]);
        return add(tape, y, layer_norm(tape, add(tape, x, y), p[1], p[2]));
      },
      "layer_norm");
}

TEST(Norm, BatchNormStandardisesAndItsRunningStatisticsFollow) {
  const Edgeless edgeless;
  Parameters parameters = norm_parameters();
  parameters.running("mean", {kWidth}, 0);
  parameters.running("var", {kWidth}, 1);
  ParameterGradients gradients(parameters);
  Tape tape = training_tape();
  const Var y = batch_norm(tape, edgeless.graph, tape.parameter(parameters[0]), parameters[1], parameters[2],
                           {parameters[3], parameters[4]});
  const Matrix copy = [&] {
    Matrix m(kRows, kWidth);
    std::copy_n(y.value().data, m.size(), m.data());
    return m;
  }();
  std::move(tape).backward(y, random_matrix(kRows, kWidth, 5), gradients);
  const Matrix r = random_matrix(kRows, kWidth, 5);
  for (std::int64_t j = 0; j < kWidth; ++j) {
    double mean = 0, variance = 0;
    for (std::int64_t i = 0; i < kRows; ++i) mean += parameters[0].value(i, j) / double{kRows};
    for (std::int64_t i = 0; i < kRows; ++i)
      variance += std::pow(parameters[0].value(i, j) - mean, 2) / kRows;
    const double w = parameters[1].value.span()[j], inverse = 1 / std::sqrt(variance + 1e-5);
    double dy_mean = 0, dy_y = 0;
    const auto hat = [&](std::int64_t i) { return (parameters[0].value(i, j) - mean) * inverse; };
    for (std::int64_t i = 0; i < kRows; ++i) {
      EXPECT_NEAR(copy(i, j), hat(i) * w + parameters[2].value.span()[j], 1e-5);
      dy_mean += w * r(i, j) / kRows;
      dy_y += w * r(i, j) * hat(i) / kRows;
    }
    for (std::int64_t i = 0; i < kRows; ++i)
      EXPECT_NEAR(gradients.of(0)(i, j), inverse * (w * r(i, j) - dy_mean - hat(i) * dy_y), 1e-5);
    EXPECT_NEAR(gradients.of(3).data[j], 0.1 * (0 - mean), 1e-6);
    EXPECT_NEAR(gradients.of(4).data[j], 0.1 * (1 - variance * kRows / (kRows - 1)), 1e-6);
  }
}

TEST(Norm, ConcatenateAndMaximumHaveTheGradientOfDifferences) {
  Parameters parameters(1);
  set_random(parameters.zeros("a", {6, 4}), 1);
  set_random(parameters.zeros("b", {6, 4}), 2);
  expect_gradients(
      parameters,
      [](Tape& tape, const Parameters& p) {
        const Var a = tape.parameter(p[0]), b = tape.parameter(p[1]);
        return concatenate(tape, maximum(tape, a, b), add(tape, a, b));
      },
      "concatenate and maximum");
}

struct Shape {
  const char *model, *norm, *jk;
  bool residual;
};
const Shape kShapes[] = {{"gcn", "layer", "none", true},
                         {"sage", "batch", "none", true},
                         {"gat", "batch", "cat", true},
                         {"sage", "layer", "max", false},
                         {"gcn", "batch", "max", true}};

const RandomStore& graph() {
  static const RandomStore store(
      {.nodes = 200, .degree = 6, .self_loops = true, .cols = 7, .train_stride = 3, .all_splits = true});
  return store;
}

Training shaped(Training training, const Shape& shape) {
  training.model.norm = shape.norm;
  training.model.jk = shape.jk;
  training.model.residual = shape.residual;
  return training;
}

TEST(Norm, TrainingOnSeveralRanksIsThatOfOne) {
  for (const Shape& shape : kShapes) {
    const Training training = shaped(full_graph_training(shape.model), shape);
    const Trained one = trained_on_threads(1, cut(graph(), "range", 1), training);
    for (const int ranks : {2, 3}) {
      const Trained some = trained_on_threads(ranks, cut(graph(), "random", ranks), training);
      EXPECT_LT(largest_relative_difference(some.losses, one.losses), 1e-4)
          << shape.model << ' ' << shape.norm;
      EXPECT_LT(relative_distance(some.first_gradient, one.first_gradient), 1e-5)
          << shape.model << ' ' << shape.norm;
    }
  }
}

TEST(Norm, LayerNormAndJumpsInMiniBatchesAreTheSameOnSeveralRanks) {
  for (const Shape& shape : kShapes) {
    if (shape.norm == std::string("batch")) continue;
    const Training training = shaped(mini_batch_training(shape.model), shape);
    const Trained one = trained_on_threads(1, cut(graph(), "range", 1), training);
    const Trained two = trained_on_threads(2, cut(graph(), "random", 2), training);
    EXPECT_LT(largest_relative_difference(two.losses, one.losses), 1e-4) << shape.model;
  }
}

TEST(Norm, BatchNormInMiniBatchesOnSeveralRanksMustBeAskedFor) {
  Training training = shaped(mini_batch_training("sage"), {"sage", "batch", "none", false});
  EXPECT_THROW(trained_on_threads(2, cut(graph(), "random", 2), training), InputError);
  training.model.norm = "batch-approx";
  // trained_on_threads checks that ranks end with the same weights, the running statistics among them.
  const Trained two = trained_on_threads(2, cut(graph(), "random", 2), training);
  EXPECT_LT(two.losses.back(), two.losses.front());
}

}  // namespace
}  // namespace kith::test
