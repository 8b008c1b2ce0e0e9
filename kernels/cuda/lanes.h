#pragma once
#include <bit>
#include <cfloat>
#include <cstdint>

#include <vector_types.h>

#include "kith/core/dtype.h"
#include "kith/core/philox.h"
#include "kith/kernels/cuda/launch.h"

// What the lanes of a warp do together, and how they read rows.
namespace kith::cuda {

/// This thread among all of the launch.
__device__ inline std::int64_t thread_number() { return std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; }

/// The lanes of this thread's group of `lanes` (a power of two), as a mask of its warp.
__device__ inline unsigned group_mask(int lanes) {
  if (lanes == 32) return 0xffffffffu;
  const unsigned first = (threadIdx.x & 31u) / static_cast<unsigned>(lanes) * static_cast<unsigned>(lanes);
  return ((1u << lanes) - 1u) << first;
}

/// Σ over the group, in the same order in every lane.
__device__ inline float group_sum(float value, int lanes, unsigned mask) {
  for (int offset = lanes / 2; offset > 0; offset /= 2) value += __shfl_xor_sync(mask, value, offset);
  return value;
}
__device__ inline double group_sum(double value, int lanes, unsigned mask) {
  for (int offset = lanes / 2; offset > 0; offset /= 2) value += __shfl_xor_sync(mask, value, offset);
  return value;
}
__device__ inline float group_maximum(float value, int lanes, unsigned mask) {
  for (int offset = lanes / 2; offset > 0; offset /= 2)
    value = fmaxf(value, __shfl_xor_sync(mask, value, offset));
  return value;
}

/// Elements as they are stored; kVector of them are 16 bytes.
struct Fp32 {
  using Element = float;
  static constexpr int kVector = 4;
  __device__ static float value(float x) { return x; }
  __device__ static void decode(uint4 raw, float* out) {
    out[0] = std::bit_cast<float>(raw.x);
    out[1] = std::bit_cast<float>(raw.y);
    out[2] = std::bit_cast<float>(raw.z);
    out[3] = std::bit_cast<float>(raw.w);
  }
};
struct Bf16 {
  using Element = std::uint16_t;
  static constexpr int kVector = 8;
  __device__ static float value(std::uint16_t x) { return float_of_bf16(x); }
  __device__ static void decode(uint4 raw, float* out) {
    const unsigned words[4] = {raw.x, raw.y, raw.z, raw.w};
    for (int k = 0; k < 4; ++k) {
      out[2 * k] = std::bit_cast<float>(words[k] << 16);
      out[2 * k + 1] = std::bit_cast<float>(words[k] & 0xffff0000u);
    }
  }
};
struct Fp16 {
  using Element = std::uint16_t;
  static constexpr int kVector = 8;
  __device__ static float value(std::uint16_t x) { return float_of_f16(x); }
  __device__ static void decode(uint4 raw, float* out) {
    const unsigned words[4] = {raw.x, raw.y, raw.z, raw.w};
    for (int k = 0; k < 4; ++k) {
      out[2 * k] = value(static_cast<std::uint16_t>(words[k] & 0xffffu));
      out[2 * k + 1] = value(static_cast<std::uint16_t>(words[k] >> 16));
    }
  }
};
struct Int8 {
  using Element = std::int8_t;
  static constexpr int kVector = 16;
  __device__ static float value(std::int8_t x) { return static_cast<float>(x); }
  __device__ static void decode(uint4 raw, float* out) {
    const unsigned words[4] = {raw.x, raw.y, raw.z, raw.w};
    for (int k = 0; k < 16; ++k)
      out[k] = static_cast<float>(static_cast<std::int8_t>(words[k / 4] >> (8 * (k % 4)) & 0xffu));
  }
};

/// kVector elements on their way: 16 bytes by one load, or one element.
template <class Source, int kVector>
struct Pack {
  uint4 raw;
  __device__ void load(const typename Source::Element* at) {
    raw = __ldg(reinterpret_cast<const uint4*>(at));
  }
  __device__ void decode(float* out) const { Source::decode(raw, out); }
};
template <class Source>
struct Pack<Source, 1> {
  typename Source::Element raw;
  __device__ void load(const typename Source::Element* at) { raw = __ldg(at); }
  __device__ void decode(float* out) const { out[0] = Source::value(raw); }
};

template <int kVector>
__device__ inline void load_floats(const float* at, float* out) {
  if constexpr (kVector == 1) {
    out[0] = *at;
  } else {
    for (int k = 0; k < kVector; k += 4) {
      const float4 four = *reinterpret_cast<const float4*>(at + k);
      out[k] = four.x;
      out[k + 1] = four.y;
      out[k + 2] = four.z;
      out[k + 3] = four.w;
    }
  }
}
template <int kVector>
__device__ inline void store_floats(const float* values, float* at) {
  if constexpr (kVector == 1) {
    *at = values[0];
  } else {
    for (int k = 0; k < kVector; k += 4)
      *reinterpret_cast<float4*>(at + k) = float4{values[k], values[k + 1], values[k + 2], values[k + 3]};
  }
}

/// Word `word` of a node's draws at a step: that of draw word / 4.
__device__ inline std::uint32_t drawn_word(PhiloxKey key, StoreId node, std::uint32_t step,
                                           std::uint64_t word) {
  const PhiloxWords words = draw_words(key, node, step, static_cast<std::uint32_t>(word / 4));
  const auto k = static_cast<unsigned>(word % 4);
  return k < 2 ? (k == 0 ? words[0] : words[1]) : (k == 2 ? words[2] : words[3]);
}

/// Whether rows can be read and written 16 bytes at a time.
inline bool on_vectors(const void* data, std::int64_t stride_bytes) {
  return reinterpret_cast<std::uintptr_t>(data) % 16 == 0 && stride_bytes % 16 == 0;
}

}  // namespace kith::cuda
