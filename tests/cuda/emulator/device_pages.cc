#include "device_pages.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <utility>

#include <sys/mman.h>

namespace kith::emulated {
namespace {

std::byte* base() {
  static auto* pages = static_cast<std::byte*>(
      mmap(nullptr, kDeviceBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (pages == MAP_FAILED) std::abort();
  return pages;
}

std::mutex mutex;
int open_count = 0;
std::map<std::size_t, std::size_t> taken;  // by offset: bytes
std::map<std::size_t, std::size_t> asked;  // the same, as they were asked for
std::size_t asked_now = 0, asked_most = 0;

}  // namespace

OpenPages::OpenPages() {
  const std::lock_guard lock(mutex);
  if (open_count++ == 0) mprotect(base(), kDeviceBytes, PROT_READ | PROT_WRITE);
}
OpenPages::~OpenPages() {
  const std::lock_guard lock(mutex);
  if (--open_count == 0) mprotect(base(), kDeviceBytes, PROT_NONE);
}

/// First fit, 256 bytes aligned and apart, so that neighbours are not touched by a small slip.
std::byte* take_pages(std::size_t bytes) {
  const std::lock_guard lock(mutex);
  const std::size_t size = (bytes + 255) / 256 * 256 + 256;
  std::size_t at = 0;
  for (const auto& [offset, length] : taken) {
    if (offset - at >= size) break;
    at = offset + length;
  }
  if (at + size > kDeviceBytes) return nullptr;
  taken[at] = size;
  asked[at] = bytes;
  asked_now += bytes;
  asked_most = std::max(asked_most, asked_now);
  return base() + at;
}

/// Long stretches go back to the system: opening and closing takes as long as there are pages.
void give_pages(std::byte* data) {
  constexpr std::size_t kPage = 4096, kLong = std::size_t{1} << 20;
  const std::lock_guard lock(mutex);
  const auto found = taken.find(static_cast<std::size_t>(data - base()));
  if (found == taken.end()) return;
  const std::size_t begin = (found->first + kPage - 1) / kPage * kPage,
                    end = (found->first + found->second) / kPage * kPage;
  if (end > begin + kLong) madvise(base() + begin, end - begin, MADV_DONTNEED);
  asked_now -= std::exchange(asked[found->first], 0);
  taken.erase(found);
}

std::size_t most_bytes_taken() {
  const std::lock_guard lock(mutex);
  return std::exchange(asked_most, asked_now);
}

bool on_pages(const void* data) {
  const auto* at = static_cast<const std::byte*>(data);
  return base() <= at && at < base() + kDeviceBytes;
}

}  // namespace kith::emulated
