#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "kith/core/cuda/pinned_pool.h"
#include "kith/core/device_memory.h"

struct CUstream_st;

namespace kith {

/// What a device is.
struct CudaFacts {
  int ordinal = 0;
  std::string name;  ///< "NVIDIA H200"
  std::string uuid;  ///< the same for every process of the host that sees this device
  int multiprocessors = 0;
  int capability = 0;  ///< 90 for sm_90
  std::int64_t memory_bytes = 0, l2_bytes = 0;
  int driver = 0, runtime = 0;  ///< 13000 for 13.0
};

/// What was asked of a device's memory so far.
struct CudaMemoryUse {
  std::int64_t live_bytes = 0, peak_bytes = 0;
  std::int64_t to_device_bytes = 0, to_host_bytes = 0;  ///< copied, since the start
  std::int64_t allocations = 0;
  std::int64_t spilled_bytes = 0;  ///< of buffers that live on the host for want of room
};

class CudaDevice;

/// A device's memory for what kernels make for themselves: never on the host.
class CudaWorkspace final : public DeviceMemory {
 public:
  explicit CudaWorkspace(CudaDevice& device) : device_(&device) {}
  std::byte* take(std::size_t bytes) override;
  void give(std::byte* data) noexcept override;
  bool holds(const void* data) const override;
  void copy(void* to, const void* from, std::size_t bytes) override;
  void set_zero(void* data, std::size_t bytes) override;

 private:
  CudaDevice* device_;
};

/// One GPU: its stream and its memory. Opened once in a process and kept to its end, for buffers of any
/// lifetime may lie on it. Memory comes from CUDA's stream-ordered pool, which keeps what was given back, and
/// is taken and given in the order of the stream. Thread-safe.
class CudaDevice final : public DeviceMemory {
 public:
  /// How many devices this process may use; 0 where there is no driver. Never throws.
  static int count();
  /// Throws InputError when there is no such device, with what is missing.
  static CudaDevice& open(int ordinal);

  const CudaFacts& facts() const { return facts_; }
  /// All kernels and copies of this thread go here: to the device's own stream, or to that of the thread's
  /// CudaSideStream. The default stream is never used.
  CUstream_st* stream() const;
  /// Makes this device the one that CUDA's calls of this thread mean.
  void use() const;
  /// Waits for stream(). Throws what went wrong before, named by `operation`.
  void synchronise(std::string_view operation) const;

  /// At most `bytes` of the device's memory are taken from now on, of which buffers leave `workspace` to
  /// kernels. A buffer that finds no room lies on the host, pinned, where kernels reach it.
  struct Limit {
    std::int64_t bytes = INT64_MAX, workspace = 0;
  };
  void set_limit(const Limit& limit);
  Limit limit() const;
  bool limited() const;

  std::byte* take(std::size_t bytes) override;
  /// On the device itself. Throws MemoryError.
  std::byte* take_here(std::size_t bytes);
  CudaWorkspace& workspace() { return workspace_; }
  /// On the host, pinned.
  std::byte* take_pinned(std::size_t bytes);
  void give(std::byte* data) noexcept override;
  /// There, or on the host for want of room.
  bool holds(const void* data) const override;
  /// There.
  bool resident(const void* data) const;
  /// On the host for want of room.
  bool spilled(const void* data) const;
  void copy(void* to, const void* from, std::size_t bytes) override;
  void set_zero(void* data, std::size_t bytes) override;
  /// copy() that leaves the device's work under way: a host source may be changed when it returns, a host
  /// target not be read before the stream was waited for.
  void start_copy(void* to, const void* from, std::size_t bytes);

  /// Counts what a kernel call copied for itself.
  void count_staged(std::size_t to_device, std::size_t to_host);

  /// The device's copy of `bytes` of host memory that is mirrored (see CudaMirror), or null.
  const void* mirror_of(const void* host, std::size_t bytes) const;
  /// What belongs to a mirrored array and is made when first asked for: it goes with the mirror. Without a
  /// mirror of `host` it is made for this call. `key` tells things of one array apart.
  using Attachment = std::shared_ptr<const void>;
  Attachment attached(const void* host, std::uint64_t key, const std::function<Attachment()>& make);

  /// Memory that could be taken now, what waits in the pool to be used again among it.
  std::int64_t free_bytes() const;
  CudaMemoryUse memory_use() const;
  /// A later peak counts from what lives now.
  void reset_peak();

 private:
  friend class CudaMirror;
  struct Mirrored {
    std::size_t bytes = 0;
    std::byte* device = nullptr;
    bool lent = false;
    std::map<std::uint64_t, Attachment> attachments;
  };
  explicit CudaDevice(int ordinal);
  const Mirrored* mirrored(const void* host, std::size_t bytes) const;
  void count_copy(const void* to, const void* from, std::size_t bytes);
  bool has_room_for(std::size_t bytes) const;

  CudaFacts facts_;
  CUstream_st* stream_ = nullptr;
  mutable std::mutex mutex_;
  std::map<const std::byte*, std::size_t> taken_;
  std::map<const std::byte*, Mirrored> mirrors_;
  CudaMemoryUse use_;
  Limit limit_;
  CudaPinnedPool pinned_;
  CudaWorkspace workspace_{*this};
};

/// A copy on the device of a host array that does not change while it lives: kernels that are given the
/// array, or a part of it, read the copy. It must go before the array goes. What is mirrored already, empty
/// or the device's is left as it is.
class CudaMirror {
 public:
  CudaMirror() = default;
  CudaMirror(CudaDevice& device, const void* host, std::size_t bytes);
  /// Of a copy that somebody else keeps on the device, for at least as long.
  CudaMirror(CudaDevice& device, const void* host, std::size_t bytes, const void* copy);
  CudaMirror(CudaMirror&& other) noexcept
      : device_(std::exchange(other.device_, nullptr)), host_(other.host_) {}
  CudaMirror& operator=(CudaMirror&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(host_, other.host_);
    return *this;
  }
  ~CudaMirror();

 private:
  CudaDevice* device_ = nullptr;
  const std::byte* host_ = nullptr;
};

/// As long as it lives, what this thread asks of the device goes to `stream`; the innermost counts.
class CudaUseStream {
 public:
  explicit CudaUseStream(CUstream_st* stream);
  CudaUseStream(const CudaUseStream&) = delete;
  CudaUseStream& operator=(const CudaUseStream&) = delete;
  ~CudaUseStream();

 private:
  CUstream_st* outer_;
};

/// As long as it lives, what this thread asks of the device goes to a stream of its own, beside the work of
/// others. What it made is for others when the thread has waited (CudaDevice::synchronise); it ends with a
/// wait. One at a time in a thread.
class CudaSideStream {
 public:
  explicit CudaSideStream(CudaDevice& device);
  CudaSideStream(const CudaSideStream&) = delete;
  CudaSideStream& operator=(const CudaSideStream&) = delete;
  ~CudaSideStream();

 private:
  CUstream_st* stream_ = nullptr;
};

}  // namespace kith
