#include "kith/exec/evaluate.h"

#include "kith/exec/evaluation.h"
#include "kith/exec/run_folder.h"

namespace kith {

Evaluation evaluate_run(Communicator& comm, const PartitionedStore& parts, const std::filesystem::path& run,
                        const ModelFactory& make, const HaloProtocol& protocol, Metric metric) {
  metric = metric_for(metric, parts.meta().store);
  Ledger ledger;
  Parameters parameters(0);
  const auto model = make(parameters, parts.meta().store.features, parts.meta().store.classes);
  read_weights(RunFolder(run).best_weights(), parameters);
  const Ownership ownership(parts, comm.size());
  const OwnedData owned(parts, ownership, comm.rank());
  LocalGraph graph({comm, ledger, ownership, owned}, model->self_edges(), protocol);
  const Matrix features = graph.fetch_features(Cpu{});
  return evaluate(Cpu{}, comm, *model, graph, features, owned, metric);
}

}  // namespace kith
