#pragma once
#include <memory>
#include <string>

#include "kith/comm/row_exchange.h"
#include "kith/sampler/batch.h"
#include "kith/sampler/owned_data.h"
#include "kith/sampler/topology.h"

namespace kith {

/// "none", "degree:10%", "vip:50000", "vip:2GiB": policy and size; 10% is of n/P rows per rank, remote rows only.
struct CacheSpec {
  std::string policy = "none";
  double fraction = -1;      ///< or
  std::int64_t rows = -1;    ///< or
  std::int64_t bytes = -1;
};
CacheSpec parse_cache_spec(const std::string& text);

/// What the cache's ranking may look at.
struct CacheContext {
  const PartitionedStore& parts;
  const Ownership& ownership;
  Rank rank;
  std::vector<std::int64_t> fanouts;
  std::int64_t batch_size;
};
/// The `rows` remote nodes to keep, best first, by policy name; the seam where a policy is added.
Array<GlobalId> rank_remote_nodes(const std::string& policy, const CacheContext& context, std::int64_t rows);

/// Feature rows by global id: owned rows in place, cached remote rows, the rest by one id list and one row message
/// per owner. Counts features.local_rows, .cached_rows, .remote_rows, .remote_bytes in the ledger.
class FeatureStore {
 public:
  /// Fills the cache. Collective. All arguments must outlive it.
  FeatureStore(Communicator& comm, Ledger& ledger, const OwnedData& owned, const Ownership& ownership,
               const Array<GlobalId>& cached);
  ~FeatureStore();
  /// Decoded rows of `nodes` into out [nodes, F]. Collective: every rank calls it once per batch, also with none.
  void fetch(std::span<const GlobalId> nodes, Tensor out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith
