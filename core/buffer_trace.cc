#include "kith/core/buffer_trace.h"

#include <algorithm>
#include <iterator>

#include "kith/core/device_memory.h"
#include "kith/core/error.h"

namespace kith {
namespace {
thread_local BufferTrace* current_trace = nullptr;
}  // namespace

BufferTrace::BufferTrace() {
  require(current_trace == nullptr, "a thread traces one rehearsal at a time");
  current_trace = this;
}
BufferTrace::~BufferTrace() { current_trace = nullptr; }
BufferTrace* BufferTrace::current() { return current_trace; }

void BufferTrace::enter(Phase phase) { phases_.push_back({phase, now_ + 1}); }

void BufferTrace::taken(const std::byte* data, std::size_t bytes) {
  if (UseMemory::current() == nullptr) return;
  live_[data] = buffers_.size();
  buffers_.push_back({.bytes = bytes,
                      .kind = MemoryUse::current(),
                      .phase = static_cast<int>(phases_.size()) - 1,
                      .from = now_ + 1});
}

void BufferTrace::given(const std::byte* data) {
  const auto found = live_.find(data);
  if (found == live_.end()) return;
  buffers_[found->second].until = now_ + 1;
  live_.erase(found);
}

void BufferTrace::touched(const void* data, double read_bytes, double written_bytes) {
  const auto* at = static_cast<const std::byte*>(data);
  const auto behind = live_.upper_bound(at);
  if (behind == live_.begin()) return;
  const auto found = std::prev(behind);
  Traced& buffer = buffers_[found->second];
  if (at >= found->first + buffer.bytes) return;
  Use& use = buffer.use[static_cast<int>(phases_.size()) - 1];
  ++use.passes;
  use.read_bytes += read_bytes;
  use.written_bytes += written_bytes;
}

void BufferTrace::needed(const Need& need) {
  need_.row_bytes = std::max(need_.row_bytes, need.row_bytes);
  need_.column_bytes = std::max(need_.column_bytes, need.column_bytes);
  need_.edge_bytes = std::max(need_.edge_bytes, need.edge_bytes);
}

}  // namespace kith
