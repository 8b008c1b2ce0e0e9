#pragma once
#include <map>
#include <string>
#include <vector>

#include "kith/datasets/partitioned_store.h"
#include "kith/exec/model.h"
#include "kith/exec/train_options.h"
#include "kith/exec/training_state.h"

namespace kith {

/// What a halo protocol sends on parts of which every one is a rank of its own.
struct ProtocolTraffic {
  int parts = 1;
  std::int64_t epochs = 0;
  std::vector<std::map<LedgerKey, double>> ledgers;  ///< by rank: the training's exchanges, all epochs
  double one_time_bytes = 0;                         ///< lists and features of the halo

  /// The mean over the epochs of Σ over ranks, layers, peers and both directions of "rows", "skipped_rows",
  /// "payload_bytes", "header_bytes" or "messages".
  double per_epoch(const std::string& what) const;
  double halo_bytes_per_epoch() const { return per_epoch("payload_bytes") + per_epoch("header_bytes"); }
};

/// Counted from the parts' lists: nothing is trained and no feature is read. So many consecutive ranks are
/// as on a host of their own; 0: all are on one. Throws InputError for a protocol whose data decide what
/// crosses.
ProtocolTraffic counted_traffic(const PartitionedStore& parts, const TrainOptions& options,
                                const ModelFactory& make, int ranks_per_host = 0);

/// Everything once a layer and epoch, layer 0 too: de-duplicated halo rows in fp32, or every row to every
/// rank. What protocols are measured against.
enum class Reference { halo_rows, broadcast };
ProtocolTraffic reference_traffic(const PartitionedStore& parts, const TrainOptions& options,
                                  const ModelFactory& make, Reference reference);

/// A training on ranks of this process, one for every part.
struct ProtocolTrial {
  ProtocolTraffic traffic;
  Evaluation best;  ///< exact, of the best epoch by validation
  std::int64_t best_epoch = 0;
};
ProtocolTrial trained_trial(const PartitionedStore& parts, const TrainOptions& options,
                            const ModelFactory& make, int ranks_per_host = 0);

}  // namespace kith
