#include "kith/exec/evaluation.h"

#include "kith/kernels/dense.h"
#include "kith/kernels/loss.h"

namespace kith {

Matrix full_graph_logits(const Backend& on, Model& model, LocalGraph& graph, ConstTensor features) {
  graph.count_as("evaluation");
  Tape tape({.on = on, .mode = Mode::inference});
  const Var logits =
      model.forward(tape, LayerGraphs(graph.layer_graph(), model.layers()), tape.constant(features));
  Matrix own(logits.rows(), logits.cols());
  axpby(on, 1, logits.value(), 0, own);
  graph.count_as("halo");
  return own;
}

Evaluation evaluate(const Backend& on, Communicator& comm, Model& model, LocalGraph& graph,
                    ConstTensor features, const OwnedData& owned) {
  const Matrix logits = full_graph_logits(on, model, graph, features);
  Matrix unused(logits.rows(), logits.cols());
  double sums[9];  // correct, loss and nodes of each split
  for (int s = 0; s < 3; ++s) {
    const std::span<const std::int32_t> rows = owned.split[s];
    sums[3 * s] = static_cast<double>(count_correct(on, logits, owned.labels, rows));
    sums[3 * s + 1] = softmax_cross_entropy(on, logits, owned.labels, rows, 1, unused);
    sums[3 * s + 2] = static_cast<double>(rows.size());
  }
  all_reduce_sum(comm, std::span<double>(sums), "evaluation");
  Evaluation result;
  for (int s = 0; s < 3; ++s) {
    const double nodes = sums[3 * s + 2];
    if (nodes == 0) continue;
    result.accuracy[s] = sums[3 * s] / nodes;
    result.loss[s] = sums[3 * s + 1] / nodes;
  }
  return result;
}

}  // namespace kith
