#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "kith/core/device_memory.h"
#include "kith/core/rehearsal.h"

namespace kith {

/// The host's cores, through oneTBB.
struct Cpu {};

class CudaDevice;
/// One GPU, by its stream.
struct Cuda {
  CudaDevice* device = nullptr;
};

/// Where a kernel runs: the first argument of every kernel. Each backend is an overload in its own folder; a
/// build without CUDA holds no trace of it.
#ifdef KITH_CUDA
using Backend = std::variant<Cpu, Cuda>;
#else
using Backend = std::variant<Cpu>;
#endif

/// The CPU, and the first GPU where this process has one.
std::vector<Backend> available_backends();

/// The GPU of this number; the same one takes every number where the host has fewer. Throws InputError where
/// this build has no CUDA or this host no GPU, with what is missing.
Backend open_cuda(int number);

/// What a backend is and did, for reports.
struct BackendFacts {
  std::string name = "CPU";  ///< "NVIDIA H200 (sm_90, 132 SMs, …)"
  std::string uuid{};        ///< of a GPU
};
BackendFacts facts_of(const Backend& on);
struct BackendUse {
  std::int64_t peak_bytes = 0;                          ///< of a GPU's memory
  std::int64_t to_device_bytes = 0, to_host_bytes = 0;  ///< copied
};
BackendUse use_of(const Backend& on);

/// Where a backend's arrays had better lie: for UseMemory. Null: on the host.
DeviceMemory* memory_of(const Backend& on);

/// Keeps a copy of host values, which must not change meanwhile, where the backend's kernels read it, as long
/// as it lives: for what is read again and again. Nothing on the CPU and in a rehearsal.
using Mirror = std::shared_ptr<const void>;
Mirror mirror_bytes(const Backend& on, const void* values, std::size_t bytes);
template <class T>
Mirror mirrored(const Backend& on, std::span<const T> values) {
  return mirror_bytes(on, values.data(), values.size_bytes());
}

/// Calls the backend's overload; nothing is computed in a rehearsal.
template <class Kernel>
auto dispatch(Kernel&& kernel, const Backend& on) {
  using Result = decltype(std::visit(std::forward<Kernel>(kernel), on));
  return rehearsing() ? Result() : std::visit(std::forward<Kernel>(kernel), on);
}

}  // namespace kith
