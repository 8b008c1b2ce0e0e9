#pragma once
#include <cstdint>

#include "kith/kernels/cuda/staging.h"

namespace kith::cuda {

/// out[i] = Σ_{j < i} values[j] for i in [0, count]: out [count + 1], all on the device.
void exclusive_sum(Staging& call, const std::uint8_t* values, std::int64_t count, std::int32_t* out);
void exclusive_sum(Staging& call, const std::uint32_t* values, std::int64_t count, std::int64_t* out);

}  // namespace kith::cuda
