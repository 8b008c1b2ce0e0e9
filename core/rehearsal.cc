// A block is an address range without memory behind it: pages that nobody writes take none. What it would
// have taken is kept beside it: its class decides which later buffer may have it again, and of a block only
// what was asked for is ever touched, in whole pages.
#include "kith/core/rehearsal.h"

#include <algorithm>
#include <utility>

#include <sys/mman.h>

#include "kith/core/buffer.h"
#include "kith/core/buffer_trace.h"
#include "kith/core/error.h"

namespace kith {
namespace {

thread_local Rehearsal* current_rehearsal = nullptr;

/// Large blocks ask for huge pages (buffer.cc).
std::size_t whole_pages(std::size_t bytes) {
  const std::size_t page = bytes < Buffer::kLarge ? 64 : std::size_t{2} << 20;
  return (bytes + page - 1) / page * page;
}

}  // namespace

void Rehearsal::Unmapped::operator()(std::byte* data) const { ::munmap(data, bytes); }

Rehearsal::Rehearsal() {
  require(current_rehearsal == nullptr, "a thread rehearses one thing at a time");
  current_rehearsal = this;
}
Rehearsal::~Rehearsal() { current_rehearsal = nullptr; }
Rehearsal* Rehearsal::current() { return current_rehearsal; }

MemoryByKind Rehearsal::peak() const {
  MemoryByKind result = at_most_live_;
  result[MemoryKind::workspace] += std::max<std::int64_t>(most_resident_ - most_live_, 0);
  return result;
}

std::byte* Rehearsal::fresh(std::size_t size) {
  void* data =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) throw MemoryError(with_facts("out of address space", {{"bytes asked for", size}}));
  reservations_.emplace_back(static_cast<std::byte*>(data), Unmapped{size});
  return static_cast<std::byte*>(data);
}

std::byte* Rehearsal::small(std::size_t size) {
  std::vector<std::byte*>& free = small_[size];
  if (free.empty()) return fresh(size);
  std::byte* data = free.back();
  free.pop_back();
  return data;
}

std::byte* Rehearsal::large(std::size_t size) {
  if (std::byte* data = pool_.take(size)) return data;
  send_back(pool_.make_room(size));
  std::byte* data = fresh(size);
  pool_.add(data, size);
  return data;
}

void Rehearsal::send_back(const std::vector<BlockPool::Block>& blocks) {
  for (const BlockPool::Block& block : blocks) {
    resident_ -= static_cast<std::int64_t>(blocks_[block.data].resident);
    blocks_[block.data].resident = 0;
  }
}

std::byte* Rehearsal::take(std::size_t bytes) {
  const std::size_t size = Buffer::block_bytes(bytes);
  std::byte* data = bytes < Buffer::kLarge ? small(size) : large(size);
  Block& block = blocks_[data];
  const std::size_t resident = std::max(block.resident, whole_pages(bytes));
  resident_ += static_cast<std::int64_t>(resident - block.resident);
  live_ += static_cast<std::int64_t>(bytes);
  block = {resident, bytes, MemoryUse::current()};
  now_[block.kind] += static_cast<std::int64_t>(bytes);
  note_peak();
  if (BufferTrace* trace = BufferTrace::current()) trace->taken(data, bytes);
  return data;
}

bool Rehearsal::give(std::byte* data) {
  const auto found = blocks_.find(data);
  if (found == blocks_.end()) return false;
  if (BufferTrace* trace = BufferTrace::current()) trace->given(data);
  Block& block = found->second;
  live_ -= static_cast<std::int64_t>(block.live);
  now_[block.kind] -= static_cast<std::int64_t>(block.live);
  const std::size_t bytes = std::exchange(block.live, 0);
  if (bytes < Buffer::kLarge) {
    small_[bytes].push_back(data);
    send_back({{data, bytes}});
  } else {
    send_back(pool_.give(data));
  }
  return true;
}

void Rehearsal::pass_through(std::int64_t bytes) {
  const MemoryKind kind = MemoryUse::current();
  for (const std::int64_t change : {bytes, -bytes}) {
    resident_ += change;
    live_ += change;
    now_[kind] += change;
    note_peak();
  }
}

void Rehearsal::note_peak() {
  most_resident_ = std::max(most_resident_, resident_);
  if (live_ <= most_live_) return;
  most_live_ = live_;
  at_most_live_ = now_;
}

}  // namespace kith
