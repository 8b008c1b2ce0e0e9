#include "kith/comm/operation_log.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "kith/comm/operation_file.h"

namespace kith {
namespace {

std::string text_of(const char* what, const char* kind, std::int64_t bytes, int peer) {
  return fmt::format("{}: {} of {} bytes, {}", what, kind, bytes,
                     peer < 0 ? std::string("all ranks") : fmt::format("rank {}", peer));
}

}  // namespace

std::int64_t OperationLog::start(const char* what, const char* kind, std::int64_t bytes, int peer) {
  std::lock_guard lock(mutex_);
  Entry& entry = entries_[next_ % kKept];
  entry = {.sequence = next_, .bytes = bytes, .kind = kind, .peer = peer, .complete = false, .what = {}};
  const std::string_view name(what);
  std::copy_n(name.data(), std::min(name.size(), entry.what.size() - 1), entry.what.data());
  if (operation_file::is_open()) operation_file::start(this, next_, text_of(what, kind, bytes, peer));
  return next_++;
}

void OperationLog::complete(std::int64_t sequence) {
  std::lock_guard lock(mutex_);
  Entry& entry = entries_[sequence % kKept];
  if (entry.sequence == sequence) entry.complete = true;
  if (operation_file::is_open()) operation_file::complete(this, sequence);
}

std::string OperationLog::text() const {
  std::lock_guard lock(mutex_);
  std::string lines;
  for (std::int64_t s = std::max<std::int64_t>(0, next_ - kKept); s < next_; ++s) {
    const Entry& entry = entries_[s % kKept];
    lines += fmt::format("#{} {}{}\n", s, text_of(entry.what.data(), entry.kind, entry.bytes, entry.peer),
                         entry.complete ? "" : ", under way");
  }
  return lines;
}

}  // namespace kith
