#pragma once
#include <cstddef>

namespace kith {

/// Memory that a device's kernels touch and the host must not. What a device offers to buffers that are to
/// lie on it; the only implementation is core/cuda/device.h.
class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;
  /// Throws MemoryError.
  virtual std::byte* take(std::size_t bytes) = 0;
  virtual void give(std::byte* data) noexcept = 0;
  /// Whether `data` lies in memory that was taken here.
  virtual bool holds(const void* data) const = 0;
  /// Between the host and the device or within one of them. When it returns the host may use both.
  virtual void copy(void* to, const void* from, std::size_t bytes) = 0;
  virtual void set_zero(void* data, std::size_t bytes) = 0;

  /// The device of this process, or null: one rank drives one.
  static DeviceMemory* opened();
  static void note_opened(DeviceMemory* device);
};

/// The buffers made from now on by this thread lie in `memory` (null: the host's), as long as it lives; the
/// innermost counts.
class UseMemory {
 public:
  explicit UseMemory(DeviceMemory* memory);
  UseMemory(const UseMemory&) = delete;
  UseMemory& operator=(const UseMemory&) = delete;
  ~UseMemory();
  static DeviceMemory* current();

 private:
  DeviceMemory* outer_;
};

/// Copies and clears wherever the memory lies.
void copy_bytes(void* to, const void* from, std::size_t bytes);
void clear_bytes(void* data, std::size_t bytes);

}  // namespace kith
