// The way back: low + step · q. The product is exact (8-bit numbers by a step of 8 significant bits), so that
// a fused multiply-add and its two operations give the same bits, and so does every instruction set.
#include <algorithm>
#include <cstring>

#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/quantise.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/kernels/cpu/dequantise.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using ByteTag = hn::Rebind<std::uint8_t, FloatTag>;

constexpr std::int64_t kMostFloats = 16;
constexpr std::int64_t kRun = 128;

HWY_INLINE std::int64_t float_lanes() { return static_cast<std::int64_t>(hn::Lanes(FloatTag())); }

/// Elements of `q`, whose bytes may end with the last of them.
HWY_INLINE void scale_vector(const std::uint8_t* q, float low, float step, float* y) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  const auto value = hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(ByteTag(), q)));
  hn::StoreU(hn::MulAdd(value, hn::Set(d, step), hn::Set(d, low)), d, y);
}

HWY_INLINE void scale_run(const std::uint8_t* q, std::int64_t count, float low, float step, float* y) {
  std::int64_t j = 0;
  for (; j + float_lanes() <= count; j += float_lanes()) scale_vector(q + j, low, step, y + j);
  if (j == count) return;
  std::uint8_t rest[kMostFloats] = {};
  float scaled[kMostFloats];
  std::copy_n(q + j, count - j, rest);
  scale_vector(rest, low, step, scaled);
  std::copy_n(scaled, count - j, y + j);
}

/// The reverse of the lowest 8 · kBits bits.
template <int kBits>
HWY_INLINE std::uint64_t unpacked(std::uint64_t bits) {
  bits = (bits | bits << (32 - 4 * kBits)) & (0x0000000100000001u * ((1u << 4 * kBits) - 1));
  bits = (bits | bits << (16 - 2 * kBits)) & (0x0001000100010001u * ((1u << 2 * kBits) - 1));
  return (bits | bits << (8 - kBits)) & (0x0101010101010101u * ((1u << kBits) - 1));
}

/// `q` has room for a multiple of eight.
template <int kBits>
HWY_INLINE void unpack(const std::byte* in, std::int64_t count, std::uint8_t* q) {
  std::int64_t j = 0;
  for (; j + 8 <= count; j += 8, in += kBits) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, in, kBits);
    const std::uint64_t bytes = unpacked<kBits>(bits);
    std::memcpy(q + j, &bytes, sizeof bytes);
  }
  if (j == count) return;
  std::uint64_t bits = 0;
  std::memcpy(&bits, in, static_cast<std::size_t>(((count - j) * kBits + 7) / 8));
  const std::uint64_t bytes = unpacked<kBits>(bits);
  std::memcpy(q + j, &bytes, sizeof bytes);
}

template <int kBits>
void dequantise_rows_of(const std::byte* wire, std::int64_t row_bytes, Tensor y, std::int64_t begin,
                        std::int64_t end) {
  alignas(64) std::uint8_t q[kRun];
  for (std::int64_t i = begin; i < end; ++i) {
    QuantisedHeader header;
    const std::byte* in = wire + i * row_bytes;
    std::memcpy(&header, in, sizeof(header));
    in += sizeof(header);
    const float low = float_of_bf16(header.low), step = float_of_bf16(header.step);
    if constexpr (kBits == 8) {
      scale_run(reinterpret_cast<const std::uint8_t*>(in), y.cols, low, step, y.row(i));
    } else {
      for (std::int64_t j = 0; j < y.cols; j += kRun) {
        const std::int64_t count = std::min(kRun, y.cols - j);
        unpack<kBits>(in + j * kBits / 8, count, q);
        scale_run(q, count, low, step, y.row(i) + j);
      }
    }
  }
}

void dequantise_chunk(const std::byte* wire, std::int64_t row_bytes, int bits, Tensor y, std::int64_t begin,
                      std::int64_t end) {
  switch (bits) {
    case 8: return dequantise_rows_of<8>(wire, row_bytes, y, begin, end);
    case 4: return dequantise_rows_of<4>(wire, row_bytes, y, begin, end);
    case 2: return dequantise_rows_of<2>(wire, row_bytes, y, begin, end);
    default: return dequantise_rows_of<1>(wire, row_bytes, y, begin, end);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith {
namespace {
HWY_EXPORT(dequantise_chunk);
}  // namespace

void dequantise_rows(Cpu, const std::byte* wire, int bits, Tensor y) {
  if (y.cols == 0) return;
  const std::int64_t row_bytes = quantised_row_bytes(bits, y.cols);
  parallel_for(0, y.rows, quantised_rows_per_chunk(y.cols), [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(dequantise_chunk)(wire, row_bytes, bits, y, begin, end);
  });
}

}  // namespace kith
#endif
