#include <cmath>
#include <numeric>

#include "exec/gradient_check.h"
#include <gtest/gtest.h>

#include "kith/core/philox.h"
#include "kith/exec/ops.h"

namespace kith::test {
namespace {

constexpr std::int64_t kDestinations = 7, kSources = 12;

/// A random bipartite graph with a hub (row 1 has all sources), an empty row (3) and self-edges.
struct TinyGraph {
  explicit TinyGraph(SelfEdges self_edges) : ids(kSources), degrees(kSources) {
    std::vector<std::int32_t> indices;
    csr.indptr = Array<std::int64_t>(kDestinations + 1, 0);
    for (std::int32_t i = 0; i < kDestinations; ++i) {
      for (std::int32_t j = 0; j < kSources; ++j) {
        const bool draw =
            draw_words(philox_key(2, Stream::generate), StoreId{i * kSources + j}, 0, 0)[0] % 4 == 0;
        const bool edge = i == 1 || (i != 3 && draw);
        const bool self = i == j;
        if (self_edges == SelfEdges::as_stored ? edge : self ? self_edges == SelfEdges::explicit_edges : edge)
          indices.push_back(j);
      }
      csr.indptr[i + 1] = static_cast<std::int64_t>(indices.size());
    }
    csr.indices = copy_of(std::span<const std::int32_t>(indices));
    for (std::int64_t i = 0; i < kSources; ++i) {
      ids[i] = StoreId{100 + 7 * i};
      degrees[i] = i < kDestinations ? csr.view().degree(i) + i % 3 : 2 + i % 5;
    }
    graph.emplace(LayerGraph::Arrays{
        .csr = csr, .sources = kSources, .store_ids = ids, .degrees = degrees, .self_edges = self_edges});
  }
  Csr32 csr;
  Array<StoreId> ids;
  Array<std::int64_t> degrees;
  std::optional<LayerGraph> graph;
};

/// An op of one matrix of `rows` rows, alone and with its input used twice, so that beta is 0 and then 1.
void check(const char* what, std::int64_t rows, std::int64_t cols,
           const std::function<Var(Tape&, const Var&)>& op) {
  Parameters parameters(1);
  Parameter& x = parameters.zeros("x", {rows, cols});
  set_random(x, 11);
  expect_gradients(
      parameters, [&](Tape& tape, const Parameters& p) { return op(tape, tape.parameter(p[0])); }, what);
  expect_gradients(
      parameters,
      [&](Tape& tape, const Parameters& p) {
        const Var input = tape.parameter(p[0]);
        const Var first = op(tape, input);
        return add(tape, first, op(tape, input));
      },
      (std::string(what) + " of an input used twice").c_str());
}

TEST(OpGradients, LinearWithAndWithoutBias) {
  for (const std::int64_t width : {1, 3, 33}) {
    Parameters parameters(1);
    set_random(parameters.zeros("x", {5, width}), 1);
    set_random(parameters.zeros("weight", {4, width}), 2);
    set_random(parameters.zeros("bias", {4}), 3);
    expect_gradients(
        parameters,
        [](Tape& tape, const Parameters& p) { return linear(tape, tape.parameter(p[0]), p[1], p[2]); },
        "linear with bias");
    expect_gradients(
        parameters,
        [](Tape& tape, const Parameters& p) {
          const Var x = tape.parameter(p[0]);
          const Var y = linear(tape, x, p[1]);
          return add_bias(tape, add(tape, y, linear(tape, x, p[1], p[2])), p[2]);
        },
        "linear twice");
  }
}

TEST(OpGradients, AddAndAddBias) {
  Parameters parameters(1);
  set_random(parameters.zeros("a", {5, 3}), 1);
  set_random(parameters.zeros("b", {5, 3}), 2);
  set_random(parameters.zeros("bias", {3}), 3);
  expect_gradients(
      parameters,
      [](Tape& tape, const Parameters& p) {
        const Var a = tape.parameter(p[0]), b = tape.parameter(p[1]);
        return add_bias(tape, add(tape, add(tape, a, b), a), p[2]);
      },
      "a + b + a + bias");
}

TEST(OpGradients, LinearSum) {
  Parameters parameters(1);
  set_random(parameters.zeros("x", {20, 3}), 1);
  set_random(parameters.zeros("w", {4, 3}), 2);
  set_random(parameters.zeros("z", {20, 5}), 3);
  set_random(parameters.zeros("v", {4, 5}), 4);
  set_random(parameters.zeros("bias", {4}), 5);
  expect_gradients(
      parameters,
      [](Tape& tape, const Parameters& p) {
        return linear_sum(tape, tape.parameter(p[0]), p[1], tape.parameter(p[2]), p[3], p[4]);
      },
      "x wᵀ + z vᵀ + bias");
}

TEST(OpGradients, LinearSumOfMostlyZeroFeaturesIsThatOfDenseOnes) {
  constexpr std::int64_t kIn = 200;
  Matrix sparse(30, kIn, 0.0f);
  for (std::int64_t i = 0; i < 30; ++i) sparse(i, 7 * i % kIn) = 1.5f;
  Parameters parameters(1);
  set_random(parameters.zeros("w", {4, kIn}), 2);
  set_random(parameters.zeros("v", {4, kIn}), 4);
  set_random(parameters.zeros("bias", {4}), 5);
  Tape tape = training_tape();
  const Var x = tape.constant(sparse);
  const Var both = linear_sum(tape, x, parameters[0], x, parameters[1], parameters[2]);
  for (std::int64_t i = 0; i < 30; ++i)
    for (std::int64_t j = 0; j < 4; ++j) {
      const std::int64_t l = 7 * i % kIn;
      const float w = parameters[0].value.view()(j, l), v = parameters[1].value.view()(j, l);
      EXPECT_NEAR(both.value()(i, j), 1.5f * w + 1.5f * v + parameters[2].value.span()[j], 1e-5);
    }
}

TEST(OpGradients, ReluAndElu) {
  check("relu", 6, 5, [](Tape& tape, const Var& x) { return relu(tape, x); });
  check("elu", 6, 5, [](Tape& tape, const Var& x) { return elu(tape, x); });
}

TEST(OpGradients, DropoutAndDestinationRows) {
  const TinyGraph tiny(SelfEdges::as_stored);
  check("dropout", kSources, 9, [&](Tape& tape, const Var& x) { return dropout(tape, *tiny.graph, x, 0.4); });
  check("destination_rows", kSources, 3,
        [&](Tape& tape, const Var& x) { return destination_rows(tape, *tiny.graph, x); });
}

TEST(OpGradients, ReluWithDropoutIsReluThenDropoutBitForBit) {
  const TinyGraph tiny(SelfEdges::as_stored);
  using Op = std::function<Var(Tape&, const Var&)>;
  const auto run = [&](const Op& op) {
    Parameters parameters(1);
    set_random(parameters.zeros("x", {kSources, 70}), 1);
    ParameterGradients gradients(parameters);
    Tape tape = training_tape();
    const Var y = op(tape, tape.parameter(parameters[0]));
    std::vector<float> all(y.value().data, y.value().data + y.value().size());
    std::move(tape).backward(y, random_matrix(kSources, 70, 4), gradients);
    all.insert(all.end(), gradients.flat().begin(), gradients.flat().end());
    return all;
  };
  for (const double p : {0.0, 0.4, 1.0}) {
    EXPECT_EQ(run([&](Tape& t, const Var& x) { return relu_dropout(t, *tiny.graph, x, p); }),
              run([&](Tape& t, const Var& x) { return dropout(t, *tiny.graph, relu(t, x), p); }))
        << p;
  }
}

TEST(OpGradients, DestinationRowsShareTheInputsMemoryAndOpsBehindThemLeaveItAlone) {
  const TinyGraph tiny(SelfEdges::as_stored);
  Parameters parameters(1);
  set_random(parameters.zeros("x", {kSources, 3}), 1);
  Tape tape = training_tape();
  Var x = elu(tape, tape.parameter(parameters[0]));
  const std::vector<float> before(x.value().data, x.value().data + x.value().size());
  Var own = destination_rows(tape, *tiny.graph, x);
  EXPECT_EQ(own.value().data, x.value().data);
  own = relu(tape, std::move(own));
  EXPECT_EQ(before, std::vector<float>(x.value().data, x.value().data + x.value().size()));
}

TEST(OpGradients, DestinationRowsAfterAnotherUseOfTheInput) {
  const TinyGraph tiny(SelfEdges::as_stored);
  check("mean + destination_rows", kSources, 3, [&](Tape& tape, const Var& x) {
    const Var own = destination_rows(tape, *tiny.graph, x);
    return add(tape, mean(tape, *tiny.graph, x), own);
  });
}

TEST(OpGradients, MeanSumAndGcnAggregate) {
  const TinyGraph stored(SelfEdges::as_stored), implied(SelfEdges::implied);
  for (const std::int64_t width : {1, 3, 33}) {
    check("mean", kSources, width, [&](Tape& tape, const Var& x) { return mean(tape, *stored.graph, x); });
    check("sum", kSources, width, [&](Tape& tape, const Var& x) { return sum(tape, *stored.graph, x); });
    check("gcn_aggregate", kSources, width,
          [&](Tape& tape, const Var& x) { return gcn_aggregate(tape, *implied.graph, x); });
  }
}

TEST(OpGradients, MeanHeads) {
  for (const int heads : {1, 2, 4})
    check("mean_heads", 5, 3 * heads, [&](Tape& tape, const Var& x) { return mean_heads(tape, x, heads); });
}

TEST(OpGradients, AttendWithAndWithoutDropout) {
  for (const SelfEdges self_edges : {SelfEdges::explicit_edges, SelfEdges::as_stored}) {
    const TinyGraph tiny(self_edges);
    for (const int heads : {1, 3}) {
      for (const double p : {0.0, 0.3}) {
        Parameters parameters(1);
        set_random(parameters.zeros("h", {kSources, 4 * heads}), 1);
        set_random(parameters.zeros("a_src", {1, heads, 4}), 2);
        set_random(parameters.zeros("a_dst", {1, heads, 4}), 3);
        const AttentionOptions options{.heads = heads, .dropout = p};
        expect_gradients(
            parameters,
            [&](Tape& tape, const Parameters& all) {
              return attend(tape, *tiny.graph, tape.parameter(all[0]), all[1], all[2], options);
            },
            "attend");
        expect_gradients(
            parameters,
            [&](Tape& tape, const Parameters& all) {
              const Var h = tape.parameter(all[0]);
              const Var first = attend(tape, *tiny.graph, h, all[1], all[2], options);
              return add(tape, first, attend(tape, *tiny.graph, h, all[1], all[2], options));
            },
            "attend twice");
      }
    }
  }
}

TEST(Tape, AnUnusedParameterGetsAZeroGradientAndIsAnnouncedOnce) {
  Parameters parameters(1);
  set_random(parameters.zeros("x", {3, 2}), 1);
  set_random(parameters.zeros("unused", {3, 2}), 2);
  set_random(parameters.zeros("read, not used", {3, 2}), 3);
  ParameterGradients gradients(parameters);
  std::fill(gradients.flat().begin(), gradients.flat().end(), 9.0f);
  Tape tape = training_tape();
  tape.parameter(parameters[2]);
  const Var y = relu(tape, tape.parameter(parameters[0]));
  std::vector<int> announced(3, 0);
  std::move(tape).backward(y, random_matrix(3, 2, 4), gradients, [&](std::size_t p) { ++announced[p]; });
  EXPECT_EQ(announced, std::vector<int>({1, 1, 1}));
  for (const std::size_t p : {std::size_t{1}, std::size_t{2}})
    for (std::int64_t i = 0; i < 6; ++i) EXPECT_EQ(gradients.of(p).data[i], 0) << p;
}

TEST(Tape, InferenceRecordsNothingAndDropsNothing) {
  const TinyGraph tiny(SelfEdges::as_stored);
  Parameters parameters(1);
  Parameter& x = parameters.zeros("x", {kSources, 3});
  set_random(x, 1);
  Tape tape({.mode = Mode::inference});
  const Var y = dropout(tape, *tiny.graph, tape.parameter(x), 0.5);
  EXPECT_FALSE(y.needs_gradient());
  EXPECT_EQ(y.value().data, x.value.data());
}

TEST(Tape, AGradientOfAnotherShapeIsRefused) {
  Parameters parameters(1);
  Parameter& x = parameters.zeros("x", {3, 2});
  ParameterGradients gradients(parameters);
  Tape tape = training_tape();
  const Var y = relu(tape, tape.parameter(x));
  EXPECT_THROW(std::move(tape).backward(y, Matrix(2, 2), gradients), Error);
}

}  // namespace
}  // namespace kith::test
