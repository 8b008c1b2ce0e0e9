#include <algorithm>
#include <cmath>
#include <cstring>

#include "kith/core/dtype.h"
#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/kernels/cpu/encode_rows.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using HalfTag = hn::Rebind<std::uint16_t, FloatTag>;

HWY_INLINE std::int64_t float_lanes() { return static_cast<std::int64_t>(hn::Lanes(FloatTag())); }

/// To the nearest, ties to even; a NaN stays one, and quiet.
HWY_INLINE hn::Vec<HalfTag> bf16_of(hn::Vec<FloatTag> v) {
  const hn::RebindToUnsigned<FloatTag> du;
  const hn::RebindToSigned<FloatTag> di;
  const auto bits = hn::BitCast(du, v);
  const auto upper = hn::ShiftRight<16>(bits);
  const auto even = hn::Add(hn::Set(du, 0x7FFFu), hn::And(upper, hn::Set(du, 1u)));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, even));
  const auto quiet = hn::Or(upper, hn::Set(du, 0x40u));
  const auto half = hn::IfThenElse(hn::RebindMask(du, hn::IsNaN(v)), quiet, rounded);
  return hn::DemoteTo(HalfTag(), hn::BitCast(di, half));
}

/// A wire may begin at any address.
HWY_INLINE void put(std::uint16_t half, std::uint16_t* at) { std::memcpy(at, &half, sizeof half); }
HWY_INLINE std::uint16_t half_at(const std::uint16_t* at) {
  std::uint16_t half = 0;
  std::memcpy(&half, at, sizeof half);
  return half;
}

void bf16_row(const float* x, std::int64_t count, std::uint16_t* out) {
  std::int64_t j = 0;
  for (; j + float_lanes() <= count; j += float_lanes())
    hn::StoreU(bf16_of(hn::LoadU(FloatTag(), x + j)), HalfTag(), out + j);
  for (; j < count; ++j) put(bf16_of_float(x[j]), out + j);
}

void f16_row(const float* x, std::int64_t count, std::uint16_t* out) {
  std::int64_t j = 0;
// Where the instruction set converts, as x86 has it from AVX2 on.
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  const hn::Rebind<hwy::float16_t, FloatTag> narrow;
  for (; j + float_lanes() <= count; j += float_lanes()) {
    const auto half = hn::DemoteTo(narrow, hn::LoadU(FloatTag(), x + j));
    hn::StoreU(hn::BitCast(HalfTag(), half), HalfTag(), out + j);
  }
#endif
  for (; j < count; ++j) put(f16_of_float(x[j]), out + j);
}

void bf16_row_back(const std::uint16_t* x, std::int64_t count, float* y) {
  const hn::RebindToUnsigned<FloatTag> du;
  std::int64_t j = 0;
  for (; j + float_lanes() <= count; j += float_lanes()) {
    const auto bits = hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(HalfTag(), x + j)));
    hn::StoreU(hn::BitCast(FloatTag(), bits), FloatTag(), y + j);
  }
  for (; j < count; ++j) y[j] = float_of_bf16(half_at(x + j));
}

void f16_row_back(const std::uint16_t* x, std::int64_t count, float* y) {
  std::int64_t j = 0;
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  const hn::Rebind<hwy::float16_t, FloatTag> narrow;
  for (; j + float_lanes() <= count; j += float_lanes()) {
    const auto half = hn::BitCast(narrow, hn::LoadU(HalfTag(), x + j));
    hn::StoreU(hn::PromoteTo(FloatTag(), half), FloatTag(), y + j);
  }
#endif
  for (; j < count; ++j) y[j] = float_of_f16(half_at(x + j));
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith {
HWY_EXPORT(bf16_row);
HWY_EXPORT(f16_row);
HWY_EXPORT(bf16_row_back);
HWY_EXPORT(f16_row_back);

namespace {

void encode_bytes(const float* x, std::int64_t count, std::int8_t* out, float& scale) {
  float largest = 0;
  for (std::int64_t j = 0; j < count; ++j) largest = std::max(largest, std::abs(x[j]));
  scale = largest / 127;
  const float factor = largest == 0 ? 0.0f : 127 / largest;
  for (std::int64_t j = 0; j < count; ++j) out[j] = static_cast<std::int8_t>(std::nearbyint(x[j] * factor));
}

void encode_half_row(const float* x, std::int64_t cols, DType type, std::byte* out) {
  auto* halves = reinterpret_cast<std::uint16_t*>(out);
  type == DType::bf16 ? HWY_DYNAMIC_DISPATCH(bf16_row)(x, cols, halves)
                      : HWY_DYNAMIC_DISPATCH(f16_row)(x, cols, halves);
}

/// Scattered rows are asked for so many rows before they are read.
constexpr std::int64_t kAhead = 16;
void prefetch_row(const float* row, std::int64_t cols) {
  for (std::int64_t j = 0; j < cols; j += 16) __builtin_prefetch(row + j, 0, 2);
}

std::int64_t rows_per_chunk(std::int64_t cols) {
  return std::max<std::int64_t>(1, (1 << 15) / std::max<std::int64_t>(cols, 1));
}

}  // namespace

void encode_rows(Cpu, ConstTensor x, DType type, std::byte* out, std::span<float> scales) {
  const auto row_bytes = x.cols * static_cast<std::int64_t>(size_of(type));
  parallel_for(0, x.rows, rows_per_chunk(x.cols), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::byte* to = out + i * row_bytes;
      if (type == DType::i8)
        encode_bytes(x.row(i), x.cols, reinterpret_cast<std::int8_t*>(to), scales[i]);
      else
        encode_half_row(x.row(i), x.cols, type, to);
    }
  });
}

void encode_chosen_rows(ConstTensor x, std::span<const std::int32_t> rows, DType type, std::byte* out) {
  require(type == DType::bf16 || type == DType::f16, "encode_chosen_rows: rows become bf16 or fp16",
          {{"type", name_of(type)}});
  const auto row_bytes = x.cols * static_cast<std::int64_t>(size_of(type));
  parallel_for(0, std::ssize(rows), rows_per_chunk(x.cols), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (i + kAhead < end) prefetch_row(x.row(rows[i + kAhead]), x.cols);
      encode_half_row(x.row(rows[i]), x.cols, type, out + i * row_bytes);
    }
  });
}

void decode_halves(const std::byte* x, DType type, Tensor y) {
  const std::int64_t row_bytes = y.cols * 2;
  parallel_for(0, y.rows, rows_per_chunk(y.cols), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto* halves = reinterpret_cast<const std::uint16_t*>(x + i * row_bytes);
      type == DType::bf16 ? HWY_DYNAMIC_DISPATCH(bf16_row_back)(halves, y.cols, y.row(i))
                          : HWY_DYNAMIC_DISPATCH(f16_row_back)(halves, y.cols, y.row(i));
    }
  });
}

}  // namespace kith
#endif
