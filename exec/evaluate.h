#pragma once
#include <filesystem>

#include "kith/comm/communicator.h"
#include "kith/datasets/partitioned_store.h"
#include "kith/exec/halo/axes.h"
#include "kith/exec/model.h"
#include "kith/exec/training_state.h"

namespace kith {

struct EvaluateOptions {
  HaloProtocol protocol;
  Metric metric = Metric::automatic;
  Backend on = Cpu{};
};

/// A finished run's best weights over the full graph, as a model that `make` makes. Collective.
Evaluation evaluate_run(Communicator& comm, const PartitionedStore& parts, const std::filesystem::path& run,
                        const ModelFactory& make, const EvaluateOptions& options);

}  // namespace kith
