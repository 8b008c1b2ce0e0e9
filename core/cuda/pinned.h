#pragma once
#include <cstddef>
#include <utility>

namespace kith {

class CudaDevice;

/// Host memory that is copied to and from the device without a stop on the way.
class CudaPinnedBuffer {
 public:
  CudaPinnedBuffer() = default;
  CudaPinnedBuffer(const CudaDevice& device, std::size_t bytes);
  CudaPinnedBuffer(CudaPinnedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  CudaPinnedBuffer& operator=(CudaPinnedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~CudaPinnedBuffer();
  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Host memory that kernels read where it lies, pinned as long as this lives, which must end before the
/// memory goes. Small arrays, which share pages with others, are copied.
class CudaPinnedRange {
 public:
  CudaPinnedRange() = default;
  CudaPinnedRange(const CudaDevice& device, const void* host, std::size_t bytes);
  CudaPinnedRange(CudaPinnedRange&& other) noexcept
      : copy_(std::move(other.copy_)),
        host_(std::exchange(other.host_, nullptr)),
        device_(std::exchange(other.device_, nullptr)) {}
  CudaPinnedRange& operator=(CudaPinnedRange&& other) noexcept {
    std::swap(copy_, other.copy_);
    std::swap(host_, other.host_);
    std::swap(device_, other.device_);
    return *this;
  }
  ~CudaPinnedRange();
  /// Its address in kernels; null for no bytes.
  const void* on_device() const { return device_; }

 private:
  CudaPinnedBuffer copy_;
  void* host_ = nullptr;  ///< null: nothing, or a copy
  void* device_ = nullptr;
};

}  // namespace kith
