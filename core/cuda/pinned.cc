#include "kith/core/cuda/pinned.h"

#include <cuda_runtime_api.h>

#include "kith/core/cuda/check.h"
#include "kith/core/cuda/device.h"

namespace kith {

CudaPinnedRange::CudaPinnedRange(const CudaDevice& device, const void* host, std::size_t bytes) {
  if (bytes == 0) return;
  device.use();
  void* range = const_cast<void*>(host);
  check_cuda(cudaHostRegister(range, bytes, cudaHostRegisterMapped), "pin host memory", {{"bytes", bytes}});
  host_ = range;
  check_cuda(cudaHostGetDevicePointer(&device_, range, 0), "find pinned memory", {{"bytes", bytes}});
}

CudaPinnedRange::~CudaPinnedRange() {
  if (host_ != nullptr) static_cast<void>(cudaHostUnregister(host_));
}

}  // namespace kith
