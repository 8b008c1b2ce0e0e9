#pragma once
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <functional>

#include <cuda_runtime_api.h>
#include <vector_types.h>

// What the sources of CUDA kernels need to be compiled by the host's compiler: the kernels' own code, run on
// the host. A block's threads are fibers of one thread of the host, which meet in shuffles and barriers;
// blocks run one behind the other. Races between threads do not show, and time means nothing; indices, masks,
// sums, shapes and what is read and written do.
namespace kith {
class CudaDevice;
}

namespace kith::emulated {

/// Runs body() once for every thread of the grid. Device memory may be touched meanwhile, and then alone.
void run(CudaDevice& device, dim3 blocks, dim3 threads, const std::function<void()>& body);

struct Place {
  uint3 thread{}, block{};
  dim3 threads, blocks;
};
extern thread_local Place place;

/// Waits for the lanes of `mask` in this warp, which all must come; for the whole block.
void meet_lanes(unsigned mask);
void meet_block();
/// A place for a value of each lane of this warp.
std::uint64_t& lane_slot(unsigned lane);

template <class T>
T shuffle_xor(unsigned mask, T value, int offset) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  const unsigned lane = place.thread.x % 32;
  __builtin_memcpy(&lane_slot(lane), &value, sizeof(T));
  meet_lanes(mask);
  T result;
  __builtin_memcpy(&result, &lane_slot(lane ^ static_cast<unsigned>(offset)), sizeof(T));
  meet_lanes(mask);
  return result;
}

}  // namespace kith::emulated

#undef __shared__
#define __shared__ static thread_local
#define __launch_bounds__(...)
#define threadIdx (::kith::emulated::place.thread)
#define blockIdx (::kith::emulated::place.block)
#define blockDim (::kith::emulated::place.threads)
#define gridDim (::kith::emulated::place.blocks)

template <class T>
inline T __ldg(const T* at) {
  return *at;
}
template <class T>
inline T __shfl_xor_sync(unsigned mask, T value, int offset) {
  return kith::emulated::shuffle_xor(mask, value, offset);
}
inline void __syncthreads() { kith::emulated::meet_block(); }
inline void __syncwarp(unsigned mask) { kith::emulated::meet_lanes(mask); }
inline unsigned atomicMin(unsigned* at, unsigned value) {
  const unsigned before = *at;
  *at = value < before ? value : before;
  return before;
}
inline float __fmul_rn(float a, float b) {
  volatile float product = a * b;
  return product;
}
