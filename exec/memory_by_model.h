#pragma once
#include <string>
#include <vector>

#include "kith/core/memory_kind.h"
#include "kith/datasets/partitioned_store.h"
#include "kith/exec/model.h"
#include "kith/exec/train_options.h"

namespace kith {

/// What the rank with the most rows will need to train a built-in model.
struct ModelMemory {
  std::string model;
  Regime regime = Regime::full_graph;
  MemoryByKind memory;
};

/// Of every built-in model in both regimes, with `model`'s layers and widths. A plain store on several ranks
/// is taken as cut at random. Nothing for data that cannot be trained on.
std::vector<ModelMemory> memory_by_model(const PartitionedStore& parts, int ranks,
                                         const TrainOptions& options, const ModelOptions& model);

}  // namespace kith
