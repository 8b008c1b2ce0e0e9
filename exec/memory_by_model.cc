#include "kith/exec/memory_by_model.h"

#include <map>

#include "kith/core/rehearsal.h"
#include "kith/exec/memory_estimate.h"

namespace kith {
namespace {

/// What a rank takes before it loads anything: measured under MPICH 4; `kith train --estimate` measures it
/// itself, which a process without MPI cannot.
constexpr std::int64_t kProgramBytes = 24'000'000;

/// The rank whose piece of the graph has the most rows.
Rank fullest_rank(const PartitionedStore& parts, int ranks) {
  const Ownership ownership(parts, ranks);
  Rank fullest{0};
  std::int64_t most = -1;
  for (Rank rank{0}; rank.value() < ranks; ++rank) {
    const RankShape shape = rank_shape(parts, ownership, rank);
    if (shape.owned + shape.halo > most) fullest = rank;
    most = std::max(most, shape.owned + shape.halo);
  }
  return fullest;
}

SelfEdges self_edges_of(const ModelOptions& options) {
  const Rehearsal rehearsal;
  Parameters parameters(0);
  return make_model(parameters, options)->self_edges();
}

}  // namespace

std::vector<ModelMemory> memory_by_model(const PartitionedStore& parts, int ranks,
                                         const TrainOptions& options, const ModelOptions& model) {
  const StoreMeta& meta = parts.meta().store;
  std::vector<ModelMemory> all;
  if (meta.features == 0 || meta.classes == 0) return all;
  const bool random_cut = parts.k() == 1 && ranks > 1;
  const Rank rank = random_cut ? Rank{0} : fullest_rank(parts, ranks);
  for (const Regime regime : {Regime::full_graph, Regime::mini_batch}) {
    TrainOptions trained = options;
    trained.regime = regime;
    std::map<SelfEdges, RunShape> shapes;  // models that see the same edges sample the same batches
    for (const std::string& name : model_names()) {
      ModelOptions wanted = model;
      wanted.name = name;
      wanted.in = meta.features;
      wanted.classes = meta.classes;
      const SelfEdges edges = self_edges_of(wanted);
      if (!shapes.contains(edges))
        shapes[edges] = random_cut ? shape_of_random_run(parts, ranks, trained, edges)
                                   : run_shape(parts, ranks, rank, trained, edges);
      RunShape& shape = shapes[edges];
      shape.program_bytes = kProgramBytes;
      const auto make = [&](Parameters& parameters, std::int64_t, std::int64_t) {
        return make_model(parameters, wanted);
      };
      all.push_back({name, regime, estimated_memory(shape, trained, make)});
    }
  }
  return all;
}

}  // namespace kith
