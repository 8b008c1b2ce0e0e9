#pragma once
#include "kith/exec/local_graph.h"
#include "kith/exec/model.h"
#include "kith/exec/training_state.h"

namespace kith {

/// /// Loss, accuracy and the metric over the whole graph: one exact forward pass without dropout, every rank
/// its own rows. Collective; the same on every rank. Its exchanges are counted as "evaluation.…", not as
/// "halo.…". `metric` as metric_for resolved it.
Evaluation evaluate(const Backend& on, Communicator& comm, Model& model, LocalGraph& graph,
                    ConstTensor features, const OwnedData& owned, Metric metric = Metric::accuracy);

/// The logits of this rank's owned nodes [owned, classes] by the same pass. Collective.
Matrix full_graph_logits(const Backend& on, Model& model, LocalGraph& graph, ConstTensor features);

}  // namespace kith
