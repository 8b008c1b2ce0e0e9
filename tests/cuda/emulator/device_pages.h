#pragma once
#include <cstddef>
#include <mutex>

namespace kith::emulated {

/// The emulated device's memory: a stretch of addresses that can be touched only while somebody holds an
/// OpenPages, as a kernel and a copy do. The host's code that follows a device pointer ends by a signal, as
/// it does beside a real device.
class OpenPages {
 public:
  OpenPages();
  ~OpenPages();
  OpenPages(const OpenPages&) = delete;
  OpenPages& operator=(const OpenPages&) = delete;
};

/// Null when the device is full.
std::byte* take_pages(std::size_t bytes);
void give_pages(std::byte* data);
bool on_pages(const void* data);

/// The most bytes that were asked for and not given back at one time, since the last call.
std::size_t most_bytes_taken();

constexpr std::size_t kDeviceBytes = std::size_t{1} << 30;

}  // namespace kith::emulated
