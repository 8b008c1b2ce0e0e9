#pragma once
#include <memory>

#include "kith/sampler/device_features.h"
#include "kith/sampler/feature_store.h"
#include "kith/sampler/neighbour_sampler.h"

namespace kith {

struct PipelineOptions {
  int depth = 2;  ///< batches sampled and fetched ahead in a background thread; 0: in the caller
  std::int64_t first_step = 0;  ///< the global step to begin with (resume)
  std::int64_t end_step = 0;    ///< exclusive
  Backend on = Cpu{};           ///< what batches are for: a GPU works on them beside what it does for others
  DeviceFeatures* device_features = nullptr;  ///< a GPU's way to the same rows; null: they are the host's
};

/// Batches of consecutive global steps (epoch = step / batches per epoch), ready to train on. The background
/// thread owns the feature store's communicator and the sampler. An exception in it is thrown by `next`.
/// Collective: every rank makes the same calls; destroying it early waits for the at most `depth` fetches
/// that its peers may have begun.
class BatchPipeline {
 public:
  BatchPipeline(BatchSchedule& schedule, NeighbourSampler& sampler, FeatureStore& features,
                const OwnedData& owned, Ledger& ledger, const PipelineOptions& options);
  ~BatchPipeline();
  /// The next batch, in order. Every rank gets the same number; one without seeds has an empty share.
  Batch next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith
