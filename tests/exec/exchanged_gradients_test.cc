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
};

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
      {"attend", SelfEdges::explicit_edges,
       [](Tape& t, const LayerGraph& g, P p) {
         return attend(t, g, t.parameter(p[0]), p[1], p[2], {.heads = 2});
       }},
      {"attend with dropout", SelfEdges::explicit_edges,
       [](Tape& t, const LayerGraph& g, P p) {
         return attend(t, g, t.parameter(p[0]), p[1], p[2], {.heads = 3, .dropout = 0.4});
       }},
      {"attend twice", SelfEdges::explicit_edges, [](Tape& t, const LayerGraph& g, P p) {
         const Var h = t.parameter(p[0]);
         const Var first = attend(t, g, h, p[1], p[2], {.heads = 2});
         return add(t, attend(t, g, elu(t, first), p[1], p[2], {.heads = 2, .dropout = 0.2}),
                    attend(t, g, h, p[1], p[2], {.heads = 1}));
       }}};
  return ops;
}

/// Row `store id` of a fixed random matrix.
std::vector<float> random_row(std::int64_t store_id, std::uint64_t seed) {
  const Matrix row = random_matrix(1, kWidth, seed * 100'000 + static_cast<std::uint64_t>(store_id));
  return {row.data(), row.data() + kWidth};
}

Result run(const GraphOp& op, int ranks, const std::string& schedule) {
  const PartitionedStore parts = cut(graph(), "random", ranks);
  Result all;
  std::mutex mutex;
  run_thread_ranks(ranks, [&](Communicator& comm) {
    Ledger ledger;
    const Ownership ownership(parts, ranks);
    const OwnedData owned(parts, ownership, comm.rank());
    const LocalGraph local({comm, ledger, ownership, owned}, op.self_edges, {.schedule = schedule});
    Parameters parameters(1);
    Parameter& x = parameters.zeros("x", {owned.nodes, kWidth});
    set_random(parameters.zeros("a_src", {kWidth}), 2);
    set_random(parameters.zeros("a_dst", {kWidth}), 3);
    Matrix r(owned.nodes, kWidth);
    for (std::int64_t i = 0; i < owned.nodes; ++i) {
      std::ranges::copy(random_row(owned.store_ids[i].value(), 1), x.value.view().row(i));
      std::ranges::copy(random_row(owned.store_ids[i].value(), 2), r.view().row(i));
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
  const Result one = run(op, 1, "sync");
  for (const int ranks : {2, 3}) {
    const Result overlap = run(op, ranks, "overlap"), sync = run(op, ranks, "sync");
    EXPECT_EQ(sync.y, overlap.y) << op.name;
    EXPECT_EQ(sync.dx, overlap.dx) << op.name;
    ASSERT_EQ(sync.y.size(), one.y.size());
    EXPECT_LT(largest_difference(sync.y, one.y), 1e-5) << op.name << " on " << ranks;
    EXPECT_LT(largest_difference(sync.dx, one.dx), 5e-5) << op.name << " on " << ranks;
    for (std::size_t j = 0; j < one.shared.size(); ++j)
      EXPECT_NEAR(sync.shared[j], one.shared[j], 2e-4) << op.name << " on " << ranks;
  }
}

TEST(ExchangedGradients, BackwardIsTheAdjointOfForward) {
  for (const GraphOp& op : linear_ops()) {
    for (const int ranks : {1, 2, 3}) {
      const Result result = run(op, ranks, "overlap");
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

}  // namespace
}  // namespace kith::test
