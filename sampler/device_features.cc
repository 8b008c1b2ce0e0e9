#include "kith/sampler/device_features.h"

#include <algorithm>

#ifdef KITH_CUDA
#include "kith/core/cuda/device.h"
#include "kith/sampler/cuda/cuda_features.h"
#endif

namespace kith {
namespace {

/// 0 on a CPU.
std::int64_t free_device_bytes(const Backend& on) {
#ifdef KITH_CUDA
  if (const Cuda* cuda = std::get_if<Cuda>(&on)) return cuda->device->free_bytes();
#endif
  static_cast<void>(on);
  return 0;
}

Array<GlobalId> all_nodes(std::int64_t nodes) {
  Array<GlobalId> all(static_cast<std::size_t>(nodes));
  for (std::int64_t v = 0; v < nodes; ++v) all[v] = GlobalId{v};
  return all;
}

}  // namespace

std::unique_ptr<DeviceFeatures> device_features(const Backend& on, const DeviceFeaturesContext& context,
                                                std::span<const GlobalId> hot) {
#ifdef KITH_CUDA
  if (const Cuda* cuda = std::get_if<Cuda>(&on)) return cuda::features(*cuda->device, context, hot);
#endif
  static_cast<void>(on), static_cast<void>(context), static_cast<void>(hot);
  return nullptr;
}

Array<GlobalId> hot_nodes(const Backend& on, const std::string& spec, CacheContext context,
                          std::int64_t cols) {
  const bool automatic = spec == "auto";
  const CacheSpec parsed = automatic ? CacheSpec{.policy = "vip"} : parse_cache_spec(spec);
  if (memory_of(on) == nullptr) return {};
  const std::int64_t row_bytes = cols * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t nodes = context.ownership.nodes();
  const std::int64_t room = row_bytes > 0 ? free_device_bytes(on) / 4 / row_bytes : 0;
  const std::int64_t rows = automatic ? std::min(room, nodes) : cache_rows(parsed, nodes, 1, row_bytes);
  if (rows >= nodes) return all_nodes(nodes);
  context.of = CachedNodes::all;
  return rank_remote_nodes(parsed.policy, context, rows);
}

}  // namespace kith
