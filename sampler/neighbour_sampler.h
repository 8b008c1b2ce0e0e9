#pragma once
#include <vector>

#include "kith/sampler/batch.h"
#include "kith/sampler/device_sampler.h"
#include "kith/sampler/owned_data.h"
#include "kith/sampler/topology.h"

namespace kith {

/// How nodes become positions in a batch: 32 bits per node of the graph, or a hash table of the batch. The
/// same batches either way; `automatic` is direct when that takes at most an eighth of the available memory.
enum class RelabelTable { automatic, direct, hash };

struct SamplerOptions {
  std::vector<std::int64_t> fanouts{15, 10, 5};  ///< the seeds' own hop first; −1: all
  std::int64_t batch_size = 1024;                ///< global
  bool replace = false;
  bool exclude_self = false;
  std::uint64_t seed = 0;
  bool facts = true;  ///< fill Batch::store_ids and Batch::degrees
  RelabelTable table = RelabelTable::automatic;
  Backend on = Cpu{};  ///< where batches are made; a GPU needs a topology with packed rows
};

/// Whether a GPU can make such batches of these rows (null: there are none).
bool samples_on_devices(const SamplerOptions& options, const PackedRows* rows);

/// The train nodes of all ranks in the order of one epoch: one permutation of the train store ids keyed by
/// (seed, epoch); a batch is a consecutive slice of it. Every rank computes the same.
class BatchSchedule {
 public:
  BatchSchedule(const PartitionedStore& parts, const SamplerOptions& options);
  std::int64_t train_nodes() const;
  std::int64_t batches_per_epoch() const;
  /// The seeds of batch b of an epoch, global ids in schedule order, of all ranks. The span lives until the
  /// next call with another epoch.
  std::span<const GlobalId> seeds(std::int64_t epoch, std::int64_t batch);

 private:
  void shuffle(std::int64_t epoch);

  std::vector<GlobalId> train_;  ///< ascending store id
  std::vector<StoreId> train_store_ids_;
  std::vector<GlobalId> order_;
  std::int64_t order_epoch_ = -1;
  std::int64_t batch_size_;
  std::uint64_t seed_;
};

/// Builds one rank's share of a batch: topology only, features and labels are fetched later.
/// One thread at a time.
class NeighbourSampler {
 public:
  /// Throws InputError when the batches are to be made on a GPU that cannot (samples_on_devices).
  NeighbourSampler(Topology& topology, const SamplerOptions& options, std::int64_t global_nodes);
  ~NeighbourSampler();
  /// `seeds`: this rank's share, distinct, in schedule order. Collective when the topology is partitioned.
  /// Deterministic: the same for any thread count.
  Batch sample(std::span<const GlobalId> seeds, std::int64_t epoch, std::int64_t step);

 private:
  struct Relabelling;
  struct Scratch;
  HopRequest request_of(std::size_t hop, std::int64_t step) const;
  void open_device();
  Batch sample_on_device(std::span<const GlobalId> seeds, std::int64_t step);
  Batch sample_on_host(std::span<const GlobalId> seeds, std::int64_t step);
  void make_room(std::int64_t more, Array<GlobalId>& nodes);
  Block sample_hop(const HopRequest& request, Array<GlobalId>& nodes);
  Block sample_packed(const PackedRows& rows, const HopRequest& request, Array<GlobalId>& nodes);

  Topology* topology_;
  SamplerOptions options_;
  std::int64_t global_nodes_;
  std::unique_ptr<Relabelling> relabelling_;
  std::unique_ptr<Scratch> scratch_;
  std::unique_ptr<DeviceSampler> device_;  ///< null: the host samples
};

}  // namespace kith
