#pragma once
#include <initializer_list>
#include <string_view>

#include <cuda_runtime_api.h>

#include "kith/core/error.h"

namespace kith {

/// Throws what `code` means of an operation, with its shape: MemoryError when the device's memory is used up,
/// Error for the rest. CUDA reports what a kernel did wrong at a later call, so the operation is where it was
/// noticed.
void check_cuda(cudaError_t code, std::string_view operation, std::initializer_list<Fact> facts = {});

}  // namespace kith
