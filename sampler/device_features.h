#pragma once
#include <memory>
#include <span>
#include <string>

#include "kith/comm/communicator.h"
#include "kith/core/ledger.h"
#include "kith/kernels/backend.h"
#include "kith/sampler/feature_store.h"

namespace kith {

/// Feature rows for a GPU: those of hot nodes stay in its memory, the others come through a FeatureStore and
/// pinned memory of the host. The ledger counts features.device_rows, those that were there already, and
/// features.device_cache_rows.
class DeviceFeatures {
 public:
  virtual ~DeviceFeatures() = default;
  /// Decoded rows of `nodes` on the device, [nodes, F]; it has waited for them. Collective: as
  /// FeatureStore::fetch.
  virtual Matrix fetch(std::span<const GlobalId> nodes) = 0;
};

struct DeviceFeaturesContext {
  Communicator& comm;
  Ledger& ledger;
  FeatureStore& store;  ///< outlives the features
  std::int64_t nodes;   ///< of the graph
};
/// Null where `on` is a CPU. `hot`: distinct nodes whose rows are kept; they are fetched, and counted by the
/// store as any fetch. Collective.
std::unique_ptr<DeviceFeatures> device_features(const Backend& on, const DeviceFeaturesContext& context,
                                                std::span<const GlobalId> hot);

/// The nodes whose rows a GPU keeps by "vip:10%" (of all nodes), "degree:50000", "vip:2GiB", "none", or
/// "auto": as vip, a quarter of the memory that is free. Own rows are among them. Empty on a CPU. Throws
/// InputError.
Array<GlobalId> hot_nodes(const Backend& on, const std::string& spec, CacheContext context,
                          std::int64_t cols);

}  // namespace kith
