#include "kith/exec/evaluate.h"

#include "kith/exec/evaluation.h"
#include "kith/exec/run_folder.h"

namespace kith {

Evaluation evaluate_run(Communicator& comm, const PartitionedStore& parts, const std::filesystem::path& run,
                        const ModelFactory& make, const EvaluateOptions& options) {
  const Metric metric = metric_for(options.metric, parts.meta().store);
  Ledger ledger;
  Parameters parameters(0);
  const auto model = make(parameters, parts.meta().store.features, parts.meta().store.classes);
  read_weights(RunFolder(run).best_weights(), parameters);
  if (memory_of(options.on) != nullptr) {
    const UseMemory there(memory_of(options.on));
    parameters.move_here();
  }
  const Ownership ownership(parts, comm.size());
  const OwnedData owned(parts, ownership, comm.rank());
  LocalGraph graph({comm, ledger, ownership, owned, options.on}, model->self_edges(),
                   evaluation_protocol(options.protocol, options.on));
  const Matrix features = graph.fetch_features(options.on);
  return evaluate(options.on, comm, *model, graph, features, owned, metric);
}

}  // namespace kith
