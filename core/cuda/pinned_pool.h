#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

struct CUstream_st;

namespace kith {

/// Pinned host memory for what a device has no room for: its kernels read and write it where it lies, and
/// copies go without a stop on the way. Pinning costs more than most kernels, so blocks wait to be used
/// again, in classes of size. Thread-safe.
class CudaPinnedPool {
 public:
  /// Throws MemoryError.
  std::byte* take(std::size_t bytes);
  /// Waits for the stream, whose work may reach it; nothing when it is not of this pool.
  void give(std::byte* data, CUstream_st* stream) noexcept;
  bool holds(const void* data) const;
  std::int64_t live_bytes() const;

 private:
  struct Block {
    std::size_t bytes = 0, asked = 0;
  };
  mutable std::mutex mutex_;
  std::map<const std::byte*, Block> live_;
  std::multimap<std::size_t, std::byte*> waiting_;
  std::int64_t live_bytes_ = 0;
};

}  // namespace kith
