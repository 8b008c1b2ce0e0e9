#include <mutex>
#include <utility>

#include "kith/core/cuda/device.h"

namespace kith {

CudaMirror::CudaMirror(CudaDevice& device, const void* host, std::size_t bytes) {
  if (bytes == 0 || device.holds(host) || device.mirror_of(host, bytes) != nullptr) return;
  // Under a limit the device is for what kernels write; they read long arrays where they lie.
  const bool large = static_cast<std::int64_t>(bytes) > device.limit().workspace / 64;
  std::byte* copy = device.limited() && large ? device.take_pinned(bytes) : device.take(bytes);
  device.start_copy(copy, host, bytes);
  bool added = false;
  {
    const std::lock_guard lock(device.mutex_);
    // Where a shorter one begins at the same place, that one stays: the longer is copied for every call.
    added = device.mirrors_.try_emplace(static_cast<const std::byte*>(host)).second;
    if (added) device.mirrors_[static_cast<const std::byte*>(host)] = {.bytes = bytes, .device = copy};
  }
  if (!added) {
    device.give(copy);
    return;
  }
  host_ = static_cast<const std::byte*>(host);
  device_ = &device;
}

CudaMirror::CudaMirror(CudaDevice& device, const void* host, std::size_t bytes, const void* copy) {
  if (bytes == 0) return;
  const std::lock_guard lock(device.mutex_);
  const auto [place, added] = device.mirrors_.try_emplace(static_cast<const std::byte*>(host));
  if (!added) return;
  place->second.bytes = bytes;
  place->second.device = const_cast<std::byte*>(static_cast<const std::byte*>(copy));
  place->second.lent = true;
  host_ = place->first;
  device_ = &device;
}

CudaMirror::~CudaMirror() {
  if (device_ == nullptr) return;
  std::byte* copy = nullptr;
  std::map<std::uint64_t, CudaDevice::Attachment> attachments;
  {
    const std::lock_guard lock(device_->mutex_);
    const auto found = device_->mirrors_.find(host_);
    copy = found->second.lent ? nullptr : found->second.device;
    attachments = std::move(found->second.attachments);
    device_->mirrors_.erase(found);
  }
  if (copy != nullptr) device_->give(copy);
}

}  // namespace kith
