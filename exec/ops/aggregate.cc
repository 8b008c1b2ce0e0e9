// Forward is y = A x and backward dx = Aᵀ dy, both by the pull kernel: Aᵀ is stored, nothing is scattered.
#include <utility>

#include "kith/exec/halo/column_ops.h"
#include "kith/exec/halo/exchanged_sum.h"
#include "kith/exec/ops.h"

namespace kith {
namespace {

void add_transposed(const Backend& on, const LayerGraph& graph, const SpmmScales& scales, ConstTensor dy,
                    GradientSlot dx) {
  const TransposedCsr& transpose = scales.weights.empty() ? graph.transpose() : graph.transpose_with_edges();
  SpmmScales adjoint = scales;
  std::swap(adjoint.row_scale, adjoint.col_scale);
  if (!scales.weights.empty()) adjoint.edge = transpose.edge;
  adjoint.beta = dx.beta;
  spmm(on, transpose.csr, adjoint, dy, dx.tensor);
}

Matrix summed(const Backend& on, const LayerGraph& graph, const SpmmScales& scales, ConstTensor x) {
  Matrix y(graph.destinations(), x.cols);
  spmm(on, graph.csr(), scales, x, y);
  return y;
}

/// All sources' rows are at hand.
Var sum_of_sources(Tape& tape, const LayerGraph& graph, const Var& x, const SpmmScales& scales) {
  Var out = Tape::of_destinations(
      tape.record(summed(tape.on(), graph, scales, x.value()), {x},
                  [id = x.id(), &graph, scales](const Backend& on, ConstTensor dy, Gradients& gradients) {
                    if (auto dx = gradients.slot(id)) add_transposed(on, graph, scales, dy, dx);
                  }));
  if (!tape.remakes_next()) return out;
  Tape::set_remake(out, [kept = x.remake() == nullptr ? x : Var(), make = x.remake(), &graph,
                         scales](const Backend& on) {
    return make == nullptr ? summed(on, graph, scales, kept.value()) : summed(on, graph, scales, (*make)(on));
  });
  return out;
}

/// With a plan by which ranks share out columns.
Var sum_by_columns(Tape& tape, const LayerGraph& graph, const Var& x, const SpmmScales& scales) {
  const HaloPass pass{.layer = tape.next_exchange(), .step = tape.step(), .what = Crossing::sums};
  const ColumnSum sum{.graph = &graph, .scales = scales, .pass = pass};
  return Tape::of_destinations(
      tape.record(sum.forward(tape.on(), x.value()), {x},
                  [id = x.id(), sum](const Backend& on, ConstTensor dy, Gradients& gradients) {
                    if (auto dx = gradients.slot(id)) sum.backward(on, dy, dx);
                  }));
}

}  // namespace

Var aggregate(Tape& tape, const LayerGraph& graph, const Var& x, const SpmmScales& scales) {
  if (graph.keeps_aggregates_of(x.value()))
    return Tape::of_destinations(tape.constant(graph.kept_aggregate(scales, [&] {
      if (graph.input_sum()) return graph.input_sum()(tape.on(), scales);
      Matrix y(graph.destinations(), x.cols());
      spmm(tape.on(), graph.csr(), scales, x.value(), y);
      return y;
    })));
  if (!needs_exchange(graph, x)) return sum_of_sources(tape, graph, x, scales);
  if (graph.halo()->columns() != nullptr && scales.weights.empty())
    return sum_by_columns(tape, graph, x, scales);
  const ExchangedSum sum{&graph, scales, tape.next_exchange(), tape.step(), tape.zeros_of(x)};
  return Tape::of_destinations(
      tape.record(sum.forward(tape.on(), x.value()), {x},
                  [id = x.id(), sum](const Backend& on, ConstTensor dy, Gradients& gradients) {
                    if (auto dx = gradients.slot(id)) sum.backward(on, dy, dx);
                  }));
}

Var mean(Tape& tape, const LayerGraph& graph, const Var& x) {
  return aggregate(tape, graph, x, graph.mean_scales());
}
Var sum(Tape& tape, const LayerGraph& graph, const Var& x) { return aggregate(tape, graph, x, {}); }
Var gcn_aggregate(Tape& tape, const LayerGraph& graph, const Var& x) {
  return aggregate(tape, graph, x, graph.gcn_scales());
}

}  // namespace kith
