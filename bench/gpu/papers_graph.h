#pragma once
#include "kith/core/array.h"
#include "kith/core/cuda/device.h"
#include "kith/sampler/sampling_row.h"

namespace kith::bench {

/// A graph and features that exist on the device alone.
struct DeviceGraph {
  Array<SamplingRow> rows;        ///< [nodes]
  Array<std::int32_t> columns;    ///< [edges]
  Array<std::uint16_t> features;  ///< [nodes, cols] bf16
};

/// In-degrees by a power law, of about `degree` in the mean; sources by a power law of their own, spread over
/// the ids; features without meaning. A function of its arguments.
DeviceGraph make_device_graph(CudaDevice& device, std::int64_t nodes, double degree, std::int64_t cols);

}  // namespace kith::bench
