#pragma once
#include <map>
#include <string>
#include <vector>

#include "sampler/random_store.h"

#include "kith/comm/world.h"
#include "kith/exec/halo_measurement.h"
#include "kith/exec/model.h"
#include "kith/exec/train_options.h"
#include "kith/exec/training_state.h"

namespace kith::test {

/// FOLDER/store cut by a partitioner into k parts; made when first asked for.
PartitionedStore cut(const std::filesystem::path& folder, const std::string& method, int k);
inline PartitionedStore cut(const RandomStore& store, const std::string& method, int k) {
  return cut(store.folder.path(), method, k);
}

/// Hubs, isolated nodes, self-loops; directed, so that halos differ from what is sent.
const RandomStore& training_graph();

/// A model and how to train it.
struct Training {
  TrainOptions options;
  ModelOptions model;
};
/// Small models for the random store: dropout in all, stored self-loops and hubs met.
Training full_graph_training(const std::string& model, const std::string& schedule = "overlap");
Training mini_batch_training(const std::string& model);

/// What a training came to; the same on every rank.
struct Trained {
  std::vector<double> losses;  ///< by epoch
  /// At the initial weights, of all parameters in their order, over ranks; with batches the sum of the first
  /// epoch's.
  std::vector<float> first_gradient;
  std::vector<float> weights;          ///< at the end
  Evaluation evaluation;               ///< of these weights
  double halo_bytes = 0;               ///< of this rank in training
  std::map<LedgerKey, double> ledger;  ///< of this rank, before the evaluation
  std::vector<HaloMeasurement> measurements;
};
/// `options.epochs` epochs, without files. Collective.
Trained trained(Communicator& comm, const PartitionedStore& parts, const Training& training);
/// The same on ranks of this process; rank 0's.
Trained trained_on_threads(int ranks, const PartitionedStore& parts, const Training& training,
                           const Faults& faults = {});

/// ‖a − b‖ / ‖b‖.
double relative_distance(const std::vector<float>& a, const std::vector<float>& b);
/// The largest |a_i − b_i| / |b_i|.
double largest_relative_difference(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace kith::test
