#pragma once
#include "kith/exec/local_graph.h"
#include "kith/exec/model.h"
#include "kith/exec/training_state.h"

namespace kith {

/// Loss, accuracy and the metric over the whole graph: one exact forward pass without dropout, every rank
/// its own rows. Collective; the same on every rank. Its exchanges are counted as "evaluation.…", not as
/// "halo.…". `metric` as metric_for resolved it.
Evaluation evaluate(const Backend& on, Communicator& comm, Model& model, LocalGraph& graph,
                    ConstTensor features, const OwnedData& owned, Metric metric = Metric::accuracy);

/// A finished run's protocol for a pass that is exact under all of them: on GPUs the defaults, since what it
/// trained by on CPUs may be refused there.
HaloProtocol evaluation_protocol(const HaloProtocol& trained, const Backend& on);

/// Whether `a` is of the better model: by its score on the validation nodes, or by its loss where they are
/// equal; where nothing validates, the later one.
bool better(const Evaluation& a, const Evaluation& b);

/// What a model says of this rank's owned nodes.
struct FullGraphOutputs {
  Matrix logits;     ///< [owned, classes]
  Matrix embedding;  ///< [owned, width] the input of the last layer; empty unless it was asked for
};
enum class Keep { logits, embedding_too };

/// By one exact forward pass without dropout. Collective. Throws InputError when an embedding is asked for of
/// a model that notes none (Tape::note_embedding).
FullGraphOutputs full_graph_outputs(const Backend& on, Model& model, LocalGraph& graph, ConstTensor features,
                                    Keep keep = Keep::logits);

}  // namespace kith
