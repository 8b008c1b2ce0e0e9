#pragma once
#include <vector>

#include "kith/comm/communicator.h"
#include "kith/exec/gradients.h"

namespace kith {

/// Sums the parameter gradients of all ranks, in buckets that start as soon as their gradients are final, so
/// the sum travels behind the rest of the backward pass (Li et al., "PyTorch Distributed", VLDB 2020).
/// Buckets start in one fixed order on every rank. Counts gradients.bytes (what this rank contributes) in the
/// ledger.
class GradientReducer {
 public:
  /// Buckets are runs of neighbours in the flat gradient of at least `bucket_bytes`.
  GradientReducer(Communicator& comm, Ledger& ledger, const ParameterGradients& gradients,
                  std::int64_t bucket_bytes = 1 << 20);

  /// For Tape::backward's `on_ready`.
  void ready(ParameterGradients& gradients, std::size_t parameter);
  /// Waits until every gradient is the sum over ranks, and is ready for the next step. Throws PeerError.
  void finish();

  std::size_t buckets() const { return buckets_.size(); }

 private:
  struct Bucket {
    std::int64_t begin = 0, end = 0;  ///< elements of the flat gradient
    int parameters = 0, missing = 0;
    Array<float> staged{};  ///< of a bucket that lies on a device: what the ranks add up on the host
  };
  void start_ready_buckets(ParameterGradients& gradients);

  Communicator* comm_;
  Ledger* ledger_;
  std::vector<Bucket> buckets_;
  std::vector<std::size_t> bucket_of_;
  std::size_t started_ = 0;
  std::vector<Pending> pending_;
  std::span<float> flat_;  ///< what is being summed
};

}  // namespace kith
