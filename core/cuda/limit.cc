// Where memory is taken when a device may not have room for all: buffers on the device or on the host, what
// kernels make for themselves always on the device.
#include "kith/core/buffer_placement.h"
#include "kith/core/cuda/device.h"

namespace kith {

void CudaDevice::set_limit(const Limit& limit) {
  const std::lock_guard lock(mutex_);
  limit_ = limit;
}

CudaDevice::Limit CudaDevice::limit() const {
  const std::lock_guard lock(mutex_);
  return limit_;
}

bool CudaDevice::limited() const { return limit().bytes != Limit().bytes; }

bool CudaDevice::has_room_for(std::size_t bytes) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(bytes) <= limit_.bytes - limit_.workspace - use_.live_bytes;
}

std::byte* CudaDevice::take(std::size_t bytes) {
  BufferPlacement* placement = limited() ? BufferPlacement::current() : nullptr;
  const bool wanted = placement == nullptr || placement->next(bytes).value_or(true);
  if (wanted && has_room_for(bytes)) return take_here(bytes);
  return take_pinned(bytes);
}

std::byte* CudaDevice::take_pinned(std::size_t bytes) {
  use();
  return pinned_.take(bytes);
}

bool CudaDevice::spilled(const void* data) const { return pinned_.holds(data); }
bool CudaDevice::holds(const void* data) const { return resident(data) || spilled(data); }

std::byte* CudaWorkspace::take(std::size_t bytes) { return device_->take_here(bytes); }
void CudaWorkspace::give(std::byte* data) noexcept { device_->give(data); }
bool CudaWorkspace::holds(const void* data) const { return device_->holds(data); }
void CudaWorkspace::copy(void* to, const void* from, std::size_t bytes) { device_->copy(to, from, bytes); }
void CudaWorkspace::set_zero(void* data, std::size_t bytes) { device_->set_zero(data, bytes); }

}  // namespace kith
