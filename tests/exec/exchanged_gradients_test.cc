// The ops over a graph that lies on several ranks: forward and backward are adjoint, and both are what one
// rank computes.
#include <cmath>

#include "exec/gradient_check.h"
#include "exec/trained.h"
#include <gtest/gtest.h>

#include "kith/exec/local_graph.h"
#include "kith/exec/ops.h"

namespace kith::test {
namespace {

constexpr std::int64_t kWidth = 6;

const RandomStore& graph() {
  static const RandomStore store({.nodes = 160, .degree = 5, .self_loops = true, .cols = 3});
  return store;
}

/// What an op gives for the same input on some number of ranks, by store id.
struct Result {
  std::map<std::int64_t, std::vector<float>> y, dx;
  std::vector<float> shared;  ///< gradients of the parameters all ranks share, summed over ranks
  double y_dot_r = 0, x_dot_dx = 0;
};

struct GraphOp {
  const char* name;
  SelfEdges self_edges;
  std::function<Var(Tape&, const LayerGraph&, const Parameters&)> run;
  std::vector<StepExchange> exchanges{};  ///< for plans by which owners make what destinations get
  bool coarse = false;                    ///< inputs are multiples of a half, so that many are equal
};

StepExchange exchange(int layer, Crossing what, int heads = 1) {
  return {.layer = layer, .cols = kWidth, .what = what, .heads = heads};
}

const std::vector<GraphOp>& linear_ops() {
  using P = const Parameters&;
  static const std::vector<GraphOp> ops = {
      {"mean", SelfEdges::as_stored,
       [](Tape& t, const LayerGraph& g, P p) { return mean(t, g, t.parameter(p[0])); }},
      {"sum", SelfEdges::as_stored,
       [](Tape& t, const LayerGraph& g, P p) { return sum(t, g, t.parameter(p[0])); }},
      {"gcn_aggregate", SelfEdges::implied,
       [](Tape& t, const LayerGraph& g, P p) { return gcn_aggregate(t, g, t.parameter(p[0])); }},
      {"sum of a mean, and again", SelfEdges::as_stored,
       [](Tape& t, const LayerGraph& g, P p) {
         const Var x = t.parameter(p[0]);
         const Var twice = sum(t, g, mean(t, g, x));
         return add(t, add(t, twice, mean(t, g, x)), x);
       }},
      {"mean of dropout", SelfEdges::as_stored,
       [](Tape& t, const LayerGraph& g, P p) { return mean(t, g, dropout(t, g, t.parameter(p[0]), 0.3)); }}};
  return ops;
}

const std::vector<GraphOp>& attention_ops() {
  using P = const Parameters&;
  static const std::vector<GraphOp> ops = {
      {"attend",
       SelfEdges::explicit_edges,
       [](Tape& t, const LayerGraph& g, P p) {
         return attend(t, g, t.parameter(p[0]), p[1], p[2], {.heads = 2});
       },
       {exchange(1, Crossing::attention, 2)}},
      {"attend with dropout",
       SelfEdges::explicit_edges,
       [](Tape& t, const LayerGraph& g, P p) {
         return attend(t, g, t.parameter(p[0]), p[1], p[2], {.heads = 3, .dropout = 0.4});
       },
       {exchange(1, Crossing::attention, 3)}},
      {"attend without an edge to itself",
       SelfEdges::as_stored,
       [](Tape& t, const LayerGraph& g, P p) {
         return attend(t, g, t.parameter(p[0]), p[1], p[2], {.heads = 2, .dropout = 0.4});
       },
       {exchange(1, Crossing::attention, 2)}},
      {"attend twice",
       SelfEdges::explicit_edges,
       [](Tape& t, const LayerGraph& g, P p) {
         const Var h = t.parameter(p[0]);
         const Var first = attend(t, g, h, p[1], p[2], {.heads = 2});
         return add(t, attend(t, g, elu(t, first), p[1], p[2], {.heads = 2, .dropout = 0.2}),
                    attend(t, g, h, p[1], p[2], {.heads = 1}));
       },
       {exchange(1, Crossing::attention, 2), exchange(2, Crossing::attention, 2),
        exchange(3, Crossing::attention, 1)}},
      {"attend_additive with dropout",
       SelfEdges::explicit_edges,
       [](Tape& t, const LayerGraph& g, P p) {
         const Var x = t.parameter(p[0]);
         const Var left = scale_and_shift(t, x, p[2], p[1]);
         return attend_additive(t, g, left, x, p[1], {.heads = 3, .dropout = 0.4});
       },
       {exchange(1, Crossing::additive_attention, 3)}},
      {"attend_additive of one side",
       SelfEdges::explicit_edges,
       [](Tape& t, const LayerGraph& g, P p) {
         const Var x = t.parameter(p[0]);
         return attend_additive(t, g, x, x, p[1], {.heads = 2});
       },
       {exchange(1, Crossing::additive_attention, 2)}}};
  return ops;
}

const std::vector<GraphOp>& maximum_ops() {
  using P = const Parameters&;
  const auto maximum_of_dropped = [](Tape& t, const LayerGraph& g, P p) {
    return neighbour_maximum(t, g, dropout(t, g, t.parameter(p[0]), 0.3));
  };
  static const std::vector<GraphOp> ops = {
      {"neighbour_maximum", SelfEdges::as_stored, maximum_of_dropped, {exchange(1, Crossing::maxima)}},
      {"neighbour_maximum of equals",
       SelfEdges::as_stored,
       maximum_of_dropped,
       {exchange(1, Crossing::maxima)},
       true},
      {"a mean of a maximum",
       SelfEdges::as_stored,
       [](Tape& t, const LayerGraph& g, P p) {
         return mean(t, g, neighbour_maximum(t, g, t.parameter(p[0])));
       },
       {exchange(1, Crossing::maxima), exchange(2, Crossing::sums)}}};
  return ops;
}

/// Row `store id` of a fixed random matrix.
std::vector<float> random_row(std::int64_t store_id, std::uint64_t seed, bool coarse) {
  const Matrix row = random_matrix(1, kWidth, seed * 100'000 + static_cast<std::uint64_t>(store_id));
  std::vector<float> values{row.data(), row.data() + kWidth};
  for (float& value : values) value = coarse ? std::round(2 * value) / 2 : value;
  return values;
}

/// One element of x, added to.
struct Nudge {
  std::int64_t store_id = -1, column = 0;
  float by = 0;
};

Result run(const GraphOp& op, int ranks, const HaloProtocol& protocol, const Nudge& nudge = {}) {
  const PartitionedStore parts = cut(graph(), "random", ranks);
  Result all;
  std::mutex mutex;
  run_thread_ranks(ranks, [&](Communicator& comm) {
    Ledger ledger;
    const Ownership ownership(parts, ranks);
    const OwnedData owned(parts, ownership, comm.rank());
    LocalGraph local({comm, ledger, ownership, owned}, op.self_edges, protocol);
    local.train_only({}, 0, op.exchanges);
    Parameters parameters(1);
    Parameter& x = parameters.zeros("x", {owned.nodes, kWidth});
    set_random(parameters.zeros("a_src", {kWidth}), 2);
    set_random(parameters.zeros("a_dst", {kWidth}), 3);
    Matrix r(owned.nodes, kWidth);
    for (std::int64_t i = 0; i < owned.nodes; ++i) {
      const std::int64_t id = owned.store_ids[i].value();
      std::ranges::copy(random_row(id, 1, op.coarse), x.value.view().row(i));
      std::ranges::copy(random_row(id, 2, false), r.view().row(i));
      if (id == nudge.store_id) x.value(i, nudge.column) += nudge.by;
    }
    ParameterGradients gradients(parameters);
    Tape tape = training_tape();
    const Var y = op.run(tape, local.layer_graph(), parameters);
    const double y_dot_r = dot(y.value(), r);
    std::map<std::int64_t, std::vector<float>> rows;
    for (std::int64_t i = 0; i < owned.nodes; ++i)
      rows[owned.store_ids[i].value()].assign(y.value().row(i), y.value().row(i) + kWidth);
    std::move(tape).backward(y, std::move(r), gradients);
    const Tensor dx = gradients.of(0);

    const std::lock_guard lock(mutex);
    all.y.merge(rows);
    all.y_dot_r += y_dot_r;
    all.x_dot_dx += dot(x.value, dx);
    for (std::int64_t i = 0; i < owned.nodes; ++i)
      all.dx[owned.store_ids[i].value()].assign(dx.row(i), dx.row(i) + kWidth);
    all.shared.resize(2 * kWidth);
    for (std::size_t j = 0; j < 2 * kWidth; ++j)
      all.shared[j] += gradients.of(1 + j / kWidth).data[j % kWidth];
  });
  return all;
}

double largest_difference(const std::map<std::int64_t, std::vector<float>>& a,
                          const std::map<std::int64_t, std::vector<float>>& b) {
  double largest = 0;
  for (const auto& [node, row] : b)
    for (std::size_t j = 0; j < row.size(); ++j)
      largest = std::max(largest, static_cast<double>(std::abs(a.at(node)[j] - row[j])));
  return largest;
}

void expect_what_one_rank_gives(const GraphOp& op) {
  const Result one = run(op, 1, {.schedule = "sync"});
  for (const int ranks : {2, 3}) {
    for (const std::string plan : {"halo-rows", "partial-aggregates", "cover"}) {
      const std::string where = std::string(op.name) + " by " + plan + " on " + std::to_string(ranks);
      const Result overlap = run(op, ranks, {.plan = plan, .schedule = "overlap"}),
                   sync = run(op, ranks, {.plan = plan, .schedule = "sync"});
      EXPECT_EQ(sync.y, overlap.y) << where;
      EXPECT_EQ(sync.dx, overlap.dx) << where;
      ASSERT_EQ(sync.y.size(), one.y.size());
      EXPECT_LT(largest_difference(sync.y, one.y), 1e-5) << where;
      EXPECT_LT(largest_difference(sync.dx, one.dx), 5e-5) << where;
      for (std::size_t j = 0; j < one.shared.size(); ++j)
        EXPECT_NEAR(sync.shared[j], one.shared[j], 2e-4) << where;
    }
  }
}

TEST(ExchangedGradients, BackwardIsTheAdjointOfForward) {
  for (const GraphOp& op : linear_ops()) {
    for (const int ranks : {1, 2, 3}) {
      const Result result = run(op, ranks, {});
      double size = 0;
      for (const auto& [node, row] : result.y)
        for (const float value : row) size += std::abs(value);
      EXPECT_NEAR(result.y_dot_r, result.x_dot_dx, 1e-6 * size) << op.name << " on " << ranks;
    }
  }
}

TEST(ExchangedGradients, AggregationsOnSeveralRanksAreThoseOfOne) {
  for (const GraphOp& op : linear_ops()) expect_what_one_rank_gives(op);
}

TEST(ExchangedGradients, AttentionOnSeveralRanksIsThatOfOne) {
  for (const GraphOp& op : attention_ops()) expect_what_one_rank_gives(op);
}

TEST(ExchangedGradients, MaximaOnSeveralRanksAreThoseOfOne) {
  for (const GraphOp& op : maximum_ops()) expect_what_one_rank_gives(op);
}

/// Of the objective ⟨y, r⟩ over all ranks, at elements of x all over the graph.
TEST(ExchangedGradients, WithPartialResultsAreFiniteDifferences) {
  constexpr float kStep = 1.0f / 256;
  for (const std::string plan : {"partial-aggregates", "cover"}) {
    for (const auto& ops : {attention_ops(), maximum_ops()}) {
      for (const GraphOp& op : ops) {
        if (op.coarse) continue;  // not differentiable
        const Result at = run(op, 3, {.plan = plan});
        for (const Nudge& nudge : {Nudge{3, 0}, Nudge{50, 2}, Nudge{101, 5}, Nudge{142, 3}}) {
          Nudge above = nudge, below = nudge;
          above.by = kStep;
          below.by = -kStep;
          const double difference =
              run(op, 3, {.plan = plan}, above).y_dot_r - run(op, 3, {.plan = plan}, below).y_dot_r;
          EXPECT_NEAR(at.dx.at(nudge.store_id)[static_cast<std::size_t>(nudge.column)],
                      difference / (2 * kStep), 5e-3)
              << op.name << " by " << plan << ", node " << nudge.store_id;
        }
      }
    }
  }
}

}  // namespace
}  // namespace kith::test
