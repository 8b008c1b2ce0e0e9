#pragma once
#include <cstddef>
#include <utility>

namespace kith {

class CudaDevice;

/// Host memory that kernels read where it lies: pinned as long as this lives, which must end before the
/// memory goes.
class CudaPinnedRange {
 public:
  CudaPinnedRange() = default;
  CudaPinnedRange(const CudaDevice& device, const void* host, std::size_t bytes);
  CudaPinnedRange(CudaPinnedRange&& other) noexcept
      : host_(std::exchange(other.host_, nullptr)), device_(std::exchange(other.device_, nullptr)) {}
  CudaPinnedRange& operator=(CudaPinnedRange&& other) noexcept {
    std::swap(host_, other.host_);
    std::swap(device_, other.device_);
    return *this;
  }
  ~CudaPinnedRange();
  /// Its address in kernels; null for no bytes.
  const void* on_device() const { return device_; }

 private:
  void* host_ = nullptr;
  void* device_ = nullptr;
};

}  // namespace kith
