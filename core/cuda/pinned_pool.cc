#include "kith/core/cuda/pinned_pool.h"

#include <iterator>
#include <utility>

#include <cuda_runtime_api.h>

#include "kith/core/cuda/check.h"

namespace kith {
namespace {

/// A step takes what the last one took, so classes may be narrow.
std::size_t block_bytes(std::size_t bytes) {
  const std::size_t unit = bytes < (std::size_t{1} << 20) ? 64 : std::size_t{2} << 20;
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

std::byte* CudaPinnedPool::take(std::size_t bytes) {
  const std::size_t size = block_bytes(bytes);
  const std::lock_guard lock(mutex_);
  const auto waiting = waiting_.find(size);
  void* data = nullptr;
  if (waiting != waiting_.end()) {
    data = waiting->second;
    waiting_.erase(waiting);
  } else {
    cudaError_t code = cudaHostAlloc(&data, size, cudaHostAllocMapped);
    if (code == cudaErrorMemoryAllocation) {
      static_cast<void>(cudaGetLastError());
      for (const auto& [_, block] : std::exchange(waiting_, {})) static_cast<void>(cudaFreeHost(block));
      code = cudaHostAlloc(&data, size, cudaHostAllocMapped);
    }
    check_cuda(code, "out of pinned host memory", {{"bytes asked for", size}, {"bytes in use", live_bytes_}});
  }
  live_[static_cast<std::byte*>(data)] = {size, bytes};
  live_bytes_ += static_cast<std::int64_t>(bytes);
  return static_cast<std::byte*>(data);
}

void CudaPinnedPool::give(std::byte* data, CUstream_st* stream) noexcept {
  if (!holds(data)) return;
  static_cast<void>(cudaStreamSynchronize(stream));
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(data);
  waiting_.emplace(found->second.bytes, data);
  live_bytes_ -= static_cast<std::int64_t>(found->second.asked);
  live_.erase(found);
}

bool CudaPinnedPool::holds(const void* data) const {
  const auto* at = static_cast<const std::byte*>(data);
  const std::lock_guard lock(mutex_);
  const auto behind = live_.upper_bound(at);
  if (behind == live_.begin()) return false;
  const auto block = std::prev(behind);
  return at < block->first + block->second.bytes;
}

std::int64_t CudaPinnedPool::live_bytes() const {
  const std::lock_guard lock(mutex_);
  return live_bytes_;
}

}  // namespace kith
