#pragma once
#include <cstddef>
#include <utility>

namespace kith {

/// Owned, uninitialised bytes aligned to 64. Large blocks (≥ 1 MiB) are aligned to and advised for 2 MiB
/// pages and are recycled within the process: touching fresh pages costs more than most kernels that fill
/// them.
class Buffer {
 public:
  Buffer() = default;
  /// Throws MemoryError when the bytes cannot be had.
  explicit Buffer(std::size_t bytes);
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Buffer();

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

  /// Gives the recycled blocks that nobody uses back to the system.
  static void release_cached();

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace kith
