#pragma once
#include "kith/core/cuda/device.h"
#include "kith/sampler/device_sampler.h"

namespace kith::cuda {

/// Takes 4 bytes a node of the graph for its table, and 16 a node and 4 an edge where the rows lie on the
/// device.
std::unique_ptr<DeviceSampler> sampler(CudaDevice& device, const PackedRows& rows, RowPlace place);

}  // namespace kith::cuda
