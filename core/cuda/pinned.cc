#include "kith/core/cuda/pinned.h"

#include <cstring>

#include <cuda_runtime_api.h>

#include "kith/core/buffer.h"
#include "kith/core/cuda/check.h"
#include "kith/core/cuda/device.h"

namespace kith {

CudaPinnedBuffer::CudaPinnedBuffer(const CudaDevice& device, std::size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  device.use();
  check_cuda(cudaHostAlloc(&data_, bytes, cudaHostAllocMapped), "take pinned memory", {{"bytes", bytes}});
}

CudaPinnedBuffer::~CudaPinnedBuffer() {
  if (data_ != nullptr) static_cast<void>(cudaFreeHost(data_));
}

CudaPinnedRange::CudaPinnedRange(const CudaDevice& device, const void* host, std::size_t bytes) {
  if (bytes == 0) return;
  device.use();
  void* range = const_cast<void*>(host);
  if (bytes < Buffer::kLarge) {
    copy_ = CudaPinnedBuffer(device, bytes);
    std::memcpy(copy_.data(), host, bytes);
    range = copy_.data();
  } else {
    check_cuda(cudaHostRegister(range, bytes, cudaHostRegisterMapped), "pin host memory", {{"bytes", bytes}});
    host_ = range;
  }
  check_cuda(cudaHostGetDevicePointer(&device_, range, 0), "find pinned memory", {{"bytes", bytes}});
}

CudaPinnedRange::~CudaPinnedRange() {
  if (host_ != nullptr) static_cast<void>(cudaHostUnregister(host_));
}

}  // namespace kith
