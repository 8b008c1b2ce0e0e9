#pragma once
#include <functional>

#include "kith/core/cuda/device.h"
#include "kith/kernels/graph_parts.h"

namespace kith::cuda {

/// Whether rows of an operand lie on the host for want of room.
bool spilled(const CudaDevice& device, const GraphOperands& operands);

/// body(part) for blocks of rows, in order: the columns' rows of a block are gathered on the device, what it
/// adds to columns is added to them when it leaves. Blocks are made once for a mirrored matrix.
void over_graph_chunks(CudaDevice& device, const GraphOperands& operands,
                       const std::function<void(const GraphPart&)>& body);

}  // namespace kith::cuda
