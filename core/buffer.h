#pragma once
#include <cstddef>
#include <utility>

namespace kith {

class DeviceMemory;

/// Owned, uninitialised bytes aligned to 64. Large blocks (≥ 1 MiB) are aligned to and advised for 2 MiB
/// pages and are recycled within the process: touching fresh pages costs more than most kernels that fill
/// them. Under a UseMemory (core/device_memory.h) the bytes lie on a device, where the host cannot touch
/// them.
class Buffer {
 public:
  Buffer() = default;
  /// Throws MemoryError when the bytes cannot be had.
  explicit Buffer(std::size_t bytes);
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)),
        device_(std::exchange(other.device_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    std::swap(device_, other.device_);
    return *this;
  }
  ~Buffer();

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

  /// Where it lies; null: on the host.
  DeviceMemory* device() const { return device_; }

  /// Gives the recycled blocks that nobody uses back to the system.
  static void release_cached();

  /// From this size on a buffer is a recycled block of a size class.
  static constexpr std::size_t kLarge = std::size_t{1} << 20;
  /// At most so much waits to be used again.
  static constexpr std::size_t kCachedBytes = std::size_t{4} << 30;
  /// The size of the block that `bytes` are cut from.
  static std::size_t block_bytes(std::size_t bytes);
  /// Whether its content is left alone, since the thread rehearses (core/rehearsal.h).
  bool untouched() const;

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  DeviceMemory* device_ = nullptr;
};

}  // namespace kith
