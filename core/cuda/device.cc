#include "kith/core/cuda/device.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include "kith/core/cuda/check.h"
#include "kith/core/cuda/handles.h"

namespace kith {
namespace {

std::string text_of(const cudaUUID_t& uuid) {
  std::string text = "GPU-";
  for (const char byte : uuid.bytes) {
    std::array<char, 3> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
    text += hex.data();
  }
  return text;
}

CudaFacts facts_of(int ordinal) {
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, ordinal), "read a device's properties");
  CudaFacts facts{.ordinal = ordinal,
                  .name = properties.name,
                  .uuid = text_of(properties.uuid),
                  .multiprocessors = properties.multiProcessorCount,
                  .capability = 10 * properties.major + properties.minor,
                  .memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem),
                  .l2_bytes = properties.l2CacheSize};
  check_cuda(cudaDriverGetVersion(&facts.driver), "read the driver's version");
  check_cuda(cudaRuntimeGetVersion(&facts.runtime), "read the runtime's version");
  return facts;
}

/// Freed blocks stay in the pool: what one step gives back the next one takes.
void keep_freed_memory(int ordinal) {
  cudaMemPool_t pool = nullptr;
  check_cuda(cudaDeviceGetDefaultMemPool(&pool, ordinal), "find the memory pool");
  std::uint64_t all = UINT64_MAX;
  check_cuda(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all), "set up the memory pool");
}

/// The key of the range that holds `at` in a map from where ranges begin.
template <class Ranges, class Bytes>
auto range_with(const Ranges& ranges, const std::byte* at, Bytes&& bytes_of) {
  auto found = ranges.upper_bound(at);
  if (found == ranges.begin()) return ranges.end();
  --found;
  return at < found->first + bytes_of(found->second) ? found : ranges.end();
}

thread_local cudaStream_t side_stream = nullptr;

}  // namespace

int CudaDevice::count() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) == cudaSuccess) return devices;
  // Without a driver the runtime says so once.
  static_cast<void>(cudaGetLastError());
  return 0;
}

CudaDevice& CudaDevice::open(int ordinal) {
  static std::mutex mutex;
  // Never destroyed: the driver may be gone before the statics are.
  static auto* devices = new std::map<int, CudaDevice*>;
  const std::lock_guard lock(mutex);
  CudaDevice*& device = (*devices)[ordinal];
  if (device == nullptr) {
    const int devices_here = count();
    if (ordinal < 0 || ordinal >= devices_here)
      throw InputError(
          with_facts("there is no such CUDA device: see nvidia-smi and CUDA_VISIBLE_DEVICES, or use "
                     "--device cpu",
                     {{"device", ordinal}, {"devices", devices_here}}));
    device = new CudaDevice(ordinal);
    DeviceMemory::note_opened(device);
  }
  device->use();
  return *device;
}

CudaDevice::CudaDevice(int ordinal) {
  check_cuda(cudaSetDevice(ordinal), "choose a device", {{"device", ordinal}});
  facts_ = facts_of(ordinal);
  keep_freed_memory(ordinal);
  stream_ = CudaStreamTraits::make();
}

void CudaDevice::use() const {
  check_cuda(cudaSetDevice(facts_.ordinal), "choose a device", {{"device", facts_.ordinal}});
}

CUstream_st* CudaDevice::stream() const { return side_stream != nullptr ? side_stream : stream_; }

void CudaDevice::synchronise(std::string_view operation) const {
  check_cuda(cudaStreamSynchronize(stream()), operation);
}

std::byte* CudaDevice::take_here(std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (static_cast<std::int64_t>(bytes) > limit_.bytes - use_.live_bytes)
      throw MemoryError(with_facts(
          "more device memory than --device-memory-limit allows",
          {{"bytes asked for", bytes}, {"bytes in use", use_.live_bytes}, {"limit", limit_.bytes}}));
  }
  void* data = nullptr;
  cudaError_t code = cudaMallocAsync(&data, bytes, stream());
  if (code == cudaErrorMemoryAllocation) {
    // What was given back but not yet reached by the stream may be enough.
    static_cast<void>(cudaGetLastError());
    synchronise("wait for memory");
    code = cudaMallocAsync(&data, bytes, stream());
  }
  const std::lock_guard lock(mutex_);
  check_cuda(code, "out of device memory",
             {{"device", std::string_view(facts_.name)},
              {"bytes asked for", bytes},
              {"bytes in use", use_.live_bytes},
              {"bytes of the device", facts_.memory_bytes}});
  taken_.emplace(static_cast<std::byte*>(data), bytes);
  use_.live_bytes += static_cast<std::int64_t>(bytes);
  use_.peak_bytes = std::max(use_.peak_bytes, use_.live_bytes);
  ++use_.allocations;
  return static_cast<std::byte*>(data);
}

void CudaDevice::give(std::byte* data) noexcept {
  {
    const std::lock_guard lock(mutex_);
    const auto found = taken_.find(data);
    if (found == taken_.end()) return pinned_.give(data, stream());
    use_.live_bytes -= static_cast<std::int64_t>(found->second);
    taken_.erase(found);
  }
  static_cast<void>(cudaFreeAsync(data, stream()));
}

bool CudaDevice::resident(const void* data) const {
  const std::lock_guard lock(mutex_);
  return range_with(taken_, static_cast<const std::byte*>(data), [](std::size_t bytes) { return bytes; }) !=
         taken_.end();
}

void CudaDevice::count_copy(const void* to, const void* from, std::size_t bytes) {
  const bool to_device = resident(to), from_device = resident(from);
  const std::lock_guard lock(mutex_);
  if (to_device && !from_device) use_.to_device_bytes += static_cast<std::int64_t>(bytes);
  if (!to_device && from_device) use_.to_host_bytes += static_cast<std::int64_t>(bytes);
}

void CudaDevice::count_staged(std::size_t to_device, std::size_t to_host) {
  const std::lock_guard lock(mutex_);
  use_.to_device_bytes += static_cast<std::int64_t>(to_device);
  use_.to_host_bytes += static_cast<std::int64_t>(to_host);
}

void CudaDevice::start_copy(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream()), "copy", {{"bytes", bytes}});
  count_copy(to, from, bytes);
}

void CudaDevice::copy(void* to, const void* from, std::size_t bytes) {
  start_copy(to, from, bytes);
  synchronise("copy");
}

void CudaDevice::set_zero(void* data, std::size_t bytes) {
  if (spilled(data)) {
    synchronise("clear memory");
    std::memset(data, 0, bytes);
    return;
  }
  check_cuda(cudaMemsetAsync(data, 0, bytes, stream()), "clear memory", {{"bytes", bytes}});
}

const CudaDevice::Mirrored* CudaDevice::mirrored(const void* host, std::size_t bytes) const {
  const auto* at = static_cast<const std::byte*>(host);
  const auto found = range_with(mirrors_, at, [](const Mirrored& mirror) { return mirror.bytes; });
  const bool whole = found != mirrors_.end() && at + bytes <= found->first + found->second.bytes;
  return whole ? &found->second : nullptr;
}

const void* CudaDevice::mirror_of(const void* host, std::size_t bytes) const {
  const std::lock_guard lock(mutex_);
  const auto* at = static_cast<const std::byte*>(host);
  const Mirrored* mirror = mirrored(host, bytes);
  if (mirror == nullptr) return nullptr;
  return mirror->device + (at - std::prev(mirrors_.upper_bound(at))->first);
}

CudaDevice::Attachment CudaDevice::attached(const void* host, std::uint64_t key,
                                            const std::function<Attachment()>& make) {
  {
    const std::lock_guard lock(mutex_);
    const Mirrored* mirror = mirrored(host, 1);
    const auto found =
        mirror == nullptr ? decltype(mirror->attachments.begin()){} : mirror->attachments.find(key);
    if (mirror != nullptr && found != mirror->attachments.end()) return found->second;
  }
  Attachment made = make();
  const std::lock_guard lock(mutex_);
  if (const Mirrored* mirror = mirrored(host, 1))
    const_cast<Mirrored*>(mirror)->attachments.emplace(key, made);
  return made;
}

std::int64_t CudaDevice::free_bytes() const {
  use();
  std::size_t free = 0, total = 0;
  check_cuda(cudaMemGetInfo(&free, &total), "read the free memory");
  cudaMemPool_t pool = nullptr;
  std::uint64_t reserved = 0, used = 0;
  check_cuda(cudaDeviceGetDefaultMemPool(&pool, facts_.ordinal), "find the memory pool");
  check_cuda(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &reserved), "read the pool");
  check_cuda(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used), "read the pool");
  return static_cast<std::int64_t>(free + (reserved - used));
}

CudaMemoryUse CudaDevice::memory_use() const {
  const std::lock_guard lock(mutex_);
  CudaMemoryUse use = use_;
  use.spilled_bytes = pinned_.live_bytes();
  return use;
}

void CudaDevice::reset_peak() {
  const std::lock_guard lock(mutex_);
  use_.peak_bytes = use_.live_bytes;
}

CudaUseStream::CudaUseStream(CUstream_st* stream) : outer_(std::exchange(side_stream, stream)) {}
CudaUseStream::~CudaUseStream() { side_stream = outer_; }

CudaSideStream::CudaSideStream(CudaDevice& device) {
  device.use();
  stream_ = CudaStreamTraits::make();
  side_stream = stream_;
}

CudaSideStream::~CudaSideStream() {
  side_stream = nullptr;
  static_cast<void>(cudaStreamSynchronize(stream_));
  CudaStreamTraits::free(stream_);
}

}  // namespace kith
