#include "kith/kernels/cpu/quantise.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kith/core/dtype.h"
#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/kernels/cpu/quantise.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kith/kernels/cpu/draws-inl.h"

// A row is read twice: for its range, and to be rounded, a run of draws at a time. What is rounded is a byte
// an element, packed behind it.
HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {

struct Range {
  float low, high;
};

HWY_INLINE Range range_of(const float* x, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  auto low = hn::Set(d, kInfinity), high = hn::Set(d, -kInfinity);
  // 0 · x is NaN for what is not finite, and stays so in a sum.
  auto odd = hn::Zero(d);
  std::int64_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    const auto v = hn::LoadU(d, x + j);
    low = hn::Min(low, v);
    high = hn::Max(high, v);
    odd = hn::MulAdd(hn::Zero(d), v, odd);
  }
  Range range{hn::GetLane(hn::MinOfLanes(d, low)), hn::GetLane(hn::MaxOfLanes(d, high))};
  float rest = hn::GetLane(hn::SumOfLanes(d, odd));
  for (; j < count; ++j) {
    range.low = std::min(range.low, x[j]);
    range.high = std::max(range.high, x[j]);
    rest += 0 * x[j];
  }
  if (std::isnan(rest)) range.high = std::numeric_limits<float>::quiet_NaN();
  return range;
}

/// The words of the draws from `first` on that cover `kRun` elements.
constexpr std::int64_t kRun = 8 * kMostLanes;

template <class Draws>
HWY_INLINE void draw_halves(const Draws& draws, StoreId node, std::int64_t first, std::uint32_t step,
                            std::uint32_t* words) {
  for (std::int64_t done = 0; done < kMostLanes; done += draws.lanes())
    draws.consecutive(node, static_cast<std::uint32_t>(first + done), step, words + 4 * done);
}

/// q of `count` elements.
HWY_INLINE void round_run(const float* x, std::int64_t count, float low, float inverse, float most,
                          const std::uint16_t* halves, std::uint8_t* q) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<std::uint16_t, decltype(d)> narrow;
  const hn::Rebind<std::uint8_t, decltype(d)> bytes;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    const auto drawn = hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(narrow, halves + j)));
    const auto place = hn::Mul(hn::Sub(hn::LoadU(d, x + j), hn::Set(d, low)), hn::Set(d, inverse));
    const auto sum = hn::MulAdd(drawn, hn::Set(d, 0x1p-16f), place);
    const auto whole = hn::ConvertTo(di, hn::Min(hn::Max(sum, hn::Zero(d)), hn::Set(d, most)));
    hn::StoreU(hn::DemoteTo(bytes, whole), bytes, q + j);
  }
  for (; j < count; ++j) {
    const float sum = (x[j] - low) * inverse + static_cast<float>(halves[j]) * 0x1p-16f;
    q[j] = static_cast<std::uint8_t>(std::min(std::max(sum, 0.0f), most));
  }
}

/// kBits bits of each byte, the first in the lowest.
template <int kBits>
HWY_INLINE void pack(const std::uint8_t* q, std::int64_t count, std::byte* out) {
  constexpr std::int64_t kEach = 8 / kBits;
  for (std::int64_t j = 0; j < count; j += kEach) {
    unsigned byte = 0;
    for (std::int64_t i = 0; i < kEach && j + i < count; ++i) byte |= unsigned{q[j + i]} << (i * kBits);
    out[j / kEach] = static_cast<std::byte>(byte);
  }
}

HWY_INLINE void pack_bits(int bits, const std::uint8_t* q, std::int64_t count, std::byte* out) {
  switch (bits) {
    case 8: std::memcpy(out, q, static_cast<std::size_t>(count)); return;
    case 4: pack<4>(q, count, out); return;
    case 2: pack<2>(q, count, out); return;
    default: pack<1>(q, count, out); return;
  }
}

void quantise_chunk(const QuantisedRows& to, std::int64_t begin, std::int64_t end) {
  const Draws draws(to.draws->key);
  const auto most = static_cast<float>((1 << to.bits) - 1);
  alignas(64) std::uint32_t words[4 * kMostLanes];
  alignas(64) std::uint8_t q[kRun];
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t row = to.rows.empty() ? i : to.rows[i];
    const float* x = to.x.row(row);
    const Range range = range_of(x, to.x.cols);
    const QuantisedHeader header = quantised_header(range.low, range.high, most);
    std::byte* out = to.out + i * to.row_bytes;
    std::memcpy(out, &header, sizeof(header));
    out += sizeof(header);
    const float low = float_of_bf16(header.low), step = float_of_bf16(header.step);
    const float inverse = step > 0 ? 1 / step : 0;
    for (std::int64_t j = 0; j < to.x.cols; j += kRun) {
      const std::int64_t count = std::min(kRun, to.x.cols - j);
      draw_halves(draws, to.ids[row], j / 8, to.draws->step, words);
      round_run(x + j, count, low, inverse, most, reinterpret_cast<const std::uint16_t*>(words), q);
      pack_bits(to.bits, q, count, out + j * to.bits / 8);
    }
  }
}

template <int kBits>
HWY_INLINE void unpack(const std::byte* in, std::int64_t count, std::uint8_t* q) {
  constexpr std::int64_t kEach = 8 / kBits;
  constexpr unsigned kMask = (1u << kBits) - 1;
  for (std::int64_t j = 0; j < count; ++j)
    q[j] = static_cast<std::uint8_t>(static_cast<unsigned>(in[j / kEach]) >> (j % kEach * kBits) & kMask);
}

HWY_INLINE void unpack_bits(int bits, const std::byte* in, std::int64_t count, std::uint8_t* q) {
  switch (bits) {
    case 8: std::memcpy(q, in, static_cast<std::size_t>(count)); return;
    case 4: unpack<4>(in, count, q); return;
    case 2: unpack<2>(in, count, q); return;
    default: unpack<1>(in, count, q); return;
  }
}

HWY_INLINE void scale_run(const std::uint8_t* q, std::int64_t count, float low, float step, float* y) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<std::uint8_t, decltype(d)> bytes;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    const auto value = hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(bytes, q + j)));
    hn::StoreU(hn::MulAdd(value, hn::Set(d, step), hn::Set(d, low)), d, y + j);
  }
  for (; j < count; ++j) y[j] = std::fma(static_cast<float>(q[j]), step, low);
}

void dequantise_chunk(const std::byte* wire, std::int64_t row_bytes, int bits, Tensor y, std::int64_t begin,
                      std::int64_t end) {
  alignas(64) std::uint8_t q[kRun];
  for (std::int64_t i = begin; i < end; ++i) {
    QuantisedHeader header;
    const std::byte* in = wire + i * row_bytes;
    std::memcpy(&header, in, sizeof(header));
    in += sizeof(header);
    const float low = float_of_bf16(header.low), step = float_of_bf16(header.step);
    for (std::int64_t j = 0; j < y.cols; j += kRun) {
      const std::int64_t count = std::min(kRun, y.cols - j);
      unpack_bits(bits, in + j * bits / 8, count, q);
      scale_run(q, count, low, step, y.row(i) + j);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith {
namespace {
HWY_EXPORT(quantise_chunk);
HWY_EXPORT(dequantise_chunk);

/// Rows of about 32 KiB.
std::int64_t rows_per_chunk(std::int64_t cols) {
  return std::max<std::int64_t>(1, (1 << 13) / std::max<std::int64_t>(cols, 1));
}

}  // namespace

void quantise_rows(Cpu, ConstTensor x, std::span<const std::int32_t> rows, std::span<const StoreId> ids,
                   int bits, const RoundingDraws& draws, std::byte* out) {
  if (x.cols == 0) return;
  const QuantisedRows to{x, rows, ids, bits, &draws, quantised_row_bytes(bits, x.cols), out};
  const std::int64_t count = rows.empty() ? x.rows : std::ssize(rows);
  parallel_for(0, count, rows_per_chunk(x.cols), [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(quantise_chunk)(to, begin, end);
  });
}

void dequantise_rows(Cpu, const std::byte* wire, int bits, Tensor y) {
  if (y.cols == 0) return;
  const std::int64_t row_bytes = quantised_row_bytes(bits, y.cols);
  parallel_for(0, y.rows, rows_per_chunk(y.cols), [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(dequantise_chunk)(wire, row_bytes, bits, y, begin, end);
  });
}

}  // namespace kith
#endif
