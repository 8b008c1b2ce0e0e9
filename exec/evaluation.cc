#include "kith/exec/evaluation.h"

#include "kith/exec/logit_loss.h"
#include "kith/kernels/dense.h"

namespace kith {

HaloProtocol evaluation_protocol(const HaloProtocol& trained, const Backend& on) {
  return memory_of(on) == nullptr ? trained : HaloProtocol();
}

namespace {
Matrix own_rows(const Backend& on, ConstTensor x, std::int64_t rows) {
  const UseMemory host(nullptr);
  Matrix own(rows, x.cols);
  axpby(on, 1, x.row_range(0, rows), 0, own);
  return own;
}
}  // namespace

FullGraphOutputs full_graph_outputs(const Backend& on, Model& model, LocalGraph& graph, ConstTensor features,
                                    Keep keep) {
  graph.evaluate_exactly(true);
  const UseMemory there(memory_of(on));
  Tape tape({.on = on, .mode = Mode::inference, .keeps_embedding = keep == Keep::embedding_too});
  const Var logits = model.forward(tape, graph.layer_graphs(model.layers()), tape.constant(features));
  graph.evaluate_exactly(false);
  FullGraphOutputs outputs{own_rows(on, logits.value(), graph.owned()), {}};
  if (keep == Keep::logits) return outputs;
  if (!tape.embedding()) throw InputError("this model notes no embedding: see Tape::note_embedding");
  outputs.embedding =
      own_rows(on, tape.embedding()->value(), graph.owned());  // one layer reads halo rows, too
  return outputs;
}

namespace {

/// The rows of a split, measured over all ranks.
struct SplitMeasure {
  double score, accuracy, loss;
};

/// Of logits on the host.
SplitMeasure measure_split(Communicator& comm, ConstTensor logits, const LabelView& labels,
                           std::span<const std::int32_t> rows, Metric metric) {
  Matrix unused(logits.rows, logits.cols);
  // A rank without nodes cannot tell single labels from several, so ranks add up what they know.
  double sums[3] = {logit_loss(Cpu{}, logits, labels, rows, 1, unused), static_cast<double>(rows.size()),
                    labels.multi_label() ? 1.0 : 0.0};
  all_reduce_sum(comm, std::span<double>(sums), "evaluation");
  if (sums[1] == 0) return {-1, -1, -1};
  SplitMeasure result{measure(metric, comm, logits, labels, rows), -1, sums[0] / sums[1]};
  if (metric == Metric::accuracy) {
    result.accuracy = result.score;
  } else if (sums[2] == 0) {
    result.accuracy = measure(Metric::accuracy, comm, logits, labels, rows);
  }
  return result;
}

}  // namespace

Evaluation evaluate(const Backend& on, Communicator& comm, Model& model, LocalGraph& graph,
                    ConstTensor features, const OwnedData& owned, Metric metric) {
  const Matrix logits = full_graph_outputs(on, model, graph, features).logits;
  Evaluation result{.metric = metric};
  for (int s = 0; s < 3; ++s) {
    const SplitMeasure split = measure_split(comm, logits, labels_of(owned), owned.split[s], metric);
    result.score[s] = split.score;
    result.accuracy[s] = split.accuracy;
    result.loss[s] = split.loss;
  }
  return result;
}

bool better(const Evaluation& a, const Evaluation& b) {
  constexpr int kValid = static_cast<int>(Split::valid);
  if (!b.has(kValid)) return true;
  if (a.score[kValid] != b.score[kValid]) return a.score[kValid] > b.score[kValid];
  return a.loss[kValid] < b.loss[kValid];
}

}  // namespace kith
