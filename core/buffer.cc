// Large blocks come in size classes (powers of two and their midpoints), so that the activations of one
// training step fit the blocks of the last one. At most kCachedBytes wait in the free lists; the rest goes
// back at once.
#include "kith/core/buffer.h"

#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include <sys/mman.h>

#include "kith/core/device_memory.h"
#include "kith/core/error.h"
#include "kith/core/rehearsal.h"

namespace kith {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::size_t size_class(std::size_t bytes) {
  const std::size_t power = std::bit_ceil(bytes);
  const std::size_t midpoint = power / 4 * 3;
  return bytes <= midpoint ? midpoint : power;
}

class FreeLists {
 public:
  std::byte* take(std::size_t bytes) {
    std::lock_guard lock(mutex_);
    const auto found = blocks_.find(bytes);
    if (found == blocks_.end() || found->second.empty()) return nullptr;
    std::byte* block = found->second.back();
    found->second.pop_back();
    cached_ -= bytes;
    return block;
  }

  void give(std::byte* block, std::size_t bytes) {
    {
      std::lock_guard lock(mutex_);
      if (cached_ + bytes <= Buffer::kCachedBytes) {
        blocks_[bytes].push_back(block);
        cached_ += bytes;
        return;
      }
    }
    std::free(block);
  }

  void release() {
    std::lock_guard lock(mutex_);
    for (auto& [bytes, list] : blocks_) {
      for (std::byte* block : list) std::free(block);
      list.clear();
    }
    cached_ = 0;
  }

 private:
  std::mutex mutex_;
  std::map<std::size_t, std::vector<std::byte*>> blocks_;
  std::size_t cached_ = 0;
};

// Never destroyed: buffers of static objects may outlive any static of this file.
FreeLists& free_lists() {
  static auto* lists = new FreeLists;
  return *lists;
}

std::byte* allocate(std::size_t alignment, std::size_t bytes) {
  return static_cast<std::byte*>(
      std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment));
}

std::byte* allocate_large(std::size_t bytes) {
  const std::size_t rounded = size_class(bytes);
  if (std::byte* block = free_lists().take(rounded)) return block;
  std::byte* block = allocate(kHugePage, rounded);
  if (block == nullptr) {
    Buffer::release_cached();
    block = allocate(kHugePage, rounded);
  }
  if (block != nullptr) madvise(block, rounded, MADV_HUGEPAGE);
  return block;
}

}  // namespace

Buffer::Buffer(std::size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  if (bytes > (std::size_t{1} << 48)) throw MemoryError(with_facts("absurd allocation", {{"bytes", bytes}}));
  if (Rehearsal* rehearsal = Rehearsal::current()) {
    data_ = rehearsal->take(bytes);
    return;
  }
  if (DeviceMemory* device = UseMemory::current()) {
    data_ = device->take(bytes);
    device_ = device;
    return;
  }
  data_ = bytes < kLarge ? allocate(kAlignment, bytes) : allocate_large(bytes);
  if (data_ == nullptr) throw MemoryError(with_facts("out of memory", {{"bytes asked for", bytes}}));
}

Buffer::~Buffer() {
  if (data_ == nullptr) return;
  if (Rehearsal* rehearsal = Rehearsal::current(); rehearsal != nullptr && rehearsal->give(data_)) return;
  if (device_ != nullptr) {
    device_->give(data_);
  } else if (bytes_ < kLarge) {
    std::free(data_);
  } else {
    free_lists().give(data_, size_class(bytes_));
  }
}

void Buffer::release_cached() { free_lists().release(); }

std::size_t Buffer::block_bytes(std::size_t bytes) { return bytes < kLarge ? bytes : size_class(bytes); }

bool Buffer::untouched() const { return bytes_ >= kLarge && rehearsing(); }

}  // namespace kith
