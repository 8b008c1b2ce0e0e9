// Large blocks come in size classes (powers of two and their midpoints), so that the activations of one
// training step fit the blocks of the last one.
#include "kith/core/buffer.h"

#include <bit>
#include <cstdlib>
#include <mutex>
#include <vector>

#include <sys/mman.h>

#include "kith/core/block_pool.h"
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

/// The process's pool, behind a lock; blocks go back to the system outside it.
class RecycledBlocks {
 public:
  std::byte* take(std::size_t bytes) {
    std::unique_lock lock(mutex_);
    if (std::byte* block = pool_.take(bytes)) return block;
    const std::vector<BlockPool::Block> gone = pool_.make_room(bytes);
    lock.unlock();
    free_all(gone);
    return nullptr;
  }
  void add(std::byte* block, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    pool_.add(block, bytes);
  }
  void give(std::byte* block) {
    std::unique_lock lock(mutex_);
    const std::vector<BlockPool::Block> gone = pool_.give(block);
    lock.unlock();
    free_all(gone);
  }
  void release() {
    std::unique_lock lock(mutex_);
    const std::vector<BlockPool::Block> gone = pool_.release();
    lock.unlock();
    free_all(gone);
  }

 private:
  static void free_all(const std::vector<BlockPool::Block>& blocks) {
    for (const BlockPool::Block& block : blocks) std::free(block.data);
  }
  std::mutex mutex_;
  BlockPool pool_;
};

// Never destroyed: buffers of static objects may outlive any static of this file.
RecycledBlocks& recycled() {
  static auto* blocks = new RecycledBlocks;
  return *blocks;
}

std::byte* allocate(std::size_t alignment, std::size_t bytes) {
  return static_cast<std::byte*>(
      std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment));
}

std::byte* allocate_large(std::size_t bytes) {
  const std::size_t rounded = size_class(bytes);
  if (std::byte* block = recycled().take(rounded)) return block;
  std::byte* block = allocate(kHugePage, rounded);
  if (block == nullptr) {
    Buffer::release_cached();
    block = allocate(kHugePage, rounded);
  }
  if (block == nullptr) return nullptr;
  recycled().add(block, rounded);
  madvise(block, rounded, MADV_HUGEPAGE);
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
    recycled().give(data_);
  }
}

void Buffer::release_cached() { recycled().release(); }

std::size_t Buffer::block_bytes(std::size_t bytes) { return bytes < kLarge ? bytes : size_class(bytes); }

bool Buffer::untouched() const { return bytes_ >= kLarge && rehearsing(); }

}  // namespace kith
