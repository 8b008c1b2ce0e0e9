#pragma once
#include "kith/core/cuda/device.h"
#include "kith/sampler/device_features.h"

namespace kith::cuda {

/// Takes 4 bytes a node of the graph beside the hot rows. Collective.
std::unique_ptr<DeviceFeatures> features(CudaDevice& device, const DeviceFeaturesContext& context,
                                         std::span<const GlobalId> hot);

}  // namespace kith::cuda
