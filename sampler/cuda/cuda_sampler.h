#pragma once
#include "kith/core/cuda/device.h"
#include "kith/sampler/cuda/hops.h"
#include "kith/sampler/device_sampler.h"

namespace kith::cuda {

/// Takes 4 bytes a node of the graph for its table, and 16 a node and 4 an edge where the rows lie on the
/// device.
std::unique_ptr<DeviceSampler> sampler(CudaDevice& device, const PackedRows& rows, RowPlace place);
/// Of a graph of `nodes` that lies where kernels read it, for as long.
std::unique_ptr<DeviceSampler> sampler(CudaDevice& device, const SampledGraph& graph, std::int64_t nodes);

}  // namespace kith::cuda
