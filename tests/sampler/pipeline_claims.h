#pragma once
#include "sampler/random_store.h"

#include "kith/sampler/pipeline.h"

namespace kith::test {

enum class Rows { replicated, partitioned };

/// All that one rank needs for a pipeline.
struct Ranks {
  Ranks(Communicator& comm, const PartitionedStore& p, const SamplerOptions& options,
        const std::string& policy, std::int64_t cache, Rows rows = Rows::replicated);
  const PartitionedStore& parts;
  Ledger ledger;
  Ownership ownership;
  OwnedData owned;
  BatchSchedule schedule;
  std::unique_ptr<Communicator> topology_comm;
  std::unique_ptr<Topology> topology;
  NeighbourSampler sampler;
  FeatureStore features;
};

/// Two epochs (but the first step) equal the reference sampler, the labels and the features of the store.
/// Collective.
void expect_reference_batches(Communicator& comm, const RandomStore& store, int depth,
                              Rows rows = Rows::replicated);
/// A pipeline of 15 steps is destroyed after `after` batches. Collective.
void leave_early(Communicator& comm, const RandomStore& store, int depth, std::int64_t after,
                 Rows rows = Rows::replicated);

}  // namespace kith::test
