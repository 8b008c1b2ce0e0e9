#include "kith/core/buffer_placement.h"

#include <algorithm>
#include <utility>

namespace kith {
namespace {
thread_local BufferPlacement* current_placement = nullptr;
thread_local bool lasting = false;
}  // namespace

std::optional<bool> BufferPlacement::next(std::size_t bytes) {
  if (lasting) {
    const auto of_size = [&](const Place& place) { return place.bytes == bytes; };
    const auto found = std::find_if(lasting_.begin(), lasting_.end(), of_size);
    return found == lasting_.end() ? std::nullopt : std::optional(found->on_device);
  }
  constexpr std::size_t kAhead = 8;
  const std::size_t end = std::min(places_.size(), next_ + kAhead);
  for (std::size_t i = next_; i < end; ++i) {
    if (places_[i].bytes != bytes) continue;
    next_ = i + 1;
    return places_[i].on_device;
  }
  return {};
}

BufferPlacement* BufferPlacement::current() { return current_placement; }

UsePlacement::UsePlacement(BufferPlacement* placement) : outer_(std::exchange(current_placement, placement)) {
  if (placement != nullptr) placement->begin();
}
UsePlacement::~UsePlacement() { current_placement = outer_; }

LastingBuffers::LastingBuffers() : outer_(std::exchange(lasting, true)) {}
LastingBuffers::~LastingBuffers() { lasting = outer_; }

}  // namespace kith
