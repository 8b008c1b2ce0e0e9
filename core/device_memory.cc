#include "kith/core/device_memory.h"

#include <atomic>
#include <cstring>

namespace kith {
namespace {

std::atomic<DeviceMemory*> opened_device{nullptr};
thread_local DeviceMemory* memory_in_use = nullptr;

bool on_device(const void* data) {
  const DeviceMemory* device = DeviceMemory::opened();
  return device != nullptr && device->holds(data);
}

}  // namespace

DeviceMemory* DeviceMemory::opened() { return opened_device.load(std::memory_order_acquire); }
void DeviceMemory::note_opened(DeviceMemory* device) {
  opened_device.store(device, std::memory_order_release);
}

UseMemory::UseMemory(DeviceMemory* memory) : outer_(memory_in_use) { memory_in_use = memory; }
UseMemory::~UseMemory() { memory_in_use = outer_; }
DeviceMemory* UseMemory::current() { return memory_in_use; }

void copy_bytes(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  if (on_device(to) || on_device(from)) {
    DeviceMemory::opened()->copy(to, from, bytes);
  } else {
    std::memcpy(to, from, bytes);
  }
}

void clear_bytes(void* data, std::size_t bytes) {
  if (bytes == 0) return;
  if (on_device(data)) {
    DeviceMemory::opened()->set_zero(data, bytes);
  } else {
    std::memset(data, 0, bytes);
  }
}

}  // namespace kith
