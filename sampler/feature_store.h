#pragma once
#include <memory>

#include "kith/comm/row_exchange.h"
#include "kith/core/tensor.h"
#include "kith/sampler/cache.h"
#include "kith/sampler/owned_data.h"

namespace kith {

/// Feature rows by global id: owned rows in place, cached remote rows, the rest by one id list and one row
/// message per owner. The ledger counts features.local_rows, .cached_rows, and by peer .remote_rows,
/// .remote_bytes (feature rows received), .id_bytes (ids sent); features.cache_rows and .cache_fill_bytes say
/// what filling cost.
class FeatureStore {
 public:
  /// Fills the cache with `cached` (remote nodes, distinct, any number). Collective. All arguments but
  /// `cached` must outlive it.
  FeatureStore(Communicator& comm, Ledger& ledger, const OwnedData& owned, const Ownership& ownership,
               const Array<GlobalId>& cached);
  ~FeatureStore();
  /// Decoded rows of `nodes` into out [nodes, F]. Collective: every rank calls it once per batch, also with
  /// none.
  void fetch(std::span<const GlobalId> nodes, Tensor out);
  std::int64_t cols() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith
