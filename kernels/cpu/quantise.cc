#include "kith/kernels/cpu/quantise.h"

#include <algorithm>
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

// A row is read twice, for its range and to be rounded, in blocks of rows that stay in the first cache: the
// header of a row takes as long as the rounding of a short one, but headers of several rows do not wait for
// each other. Every element goes through the same operations in the same order on every instruction set, the
// last few of a row in a vector of their own; products that a fused multiply-add leaves unrounded are exact
// (16-bit draws by a power of two, 8-bit numbers by a step of 8 significant bits). So all give the same bits.
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
  // Of two zeros either may be the least or the largest; −0 + 0 is 0.
  range.low += 0.0f;
  range.high += 0.0f;
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

/// What a finite row's header says, to round by.
struct Steps {
  float low, inverse, most;
};

using FloatTag = hn::ScalableTag<float>;
using ByteTag = hn::Rebind<std::uint8_t, FloatTag>;

HWY_INLINE std::int64_t float_lanes() { return static_cast<std::int64_t>(hn::Lanes(FloatTag())); }

/// Towards zero, of numbers that an int32 holds: without the operations that mend others.
template <class V>
HWY_INLINE auto whole_of(V v) {
  const hn::RebindToUnsigned<FloatTag> du;
#if HWY_TARGET == HWY_AVX3
  return hn::BitCast(du, hn::Vec<hn::RebindToSigned<FloatTag>>{_mm512_cvttps_epi32(v.raw)});
#elif HWY_TARGET == HWY_AVX2
  return hn::BitCast(du, hn::Vec<hn::RebindToSigned<FloatTag>>{_mm256_cvttps_epi32(v.raw)});
#else
  return hn::BitCast(du, hn::ConvertTo(hn::RebindToSigned<FloatTag>(), v));
#endif
}

/// q of a vector of elements, none of which is below `low`.
HWY_INLINE void round_vector(const float* x, const Steps& steps, const std::uint16_t* halves,
                             std::uint8_t* q) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  const hn::Rebind<std::uint16_t, FloatTag> narrow;
  const auto drawn = hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(narrow, halves)));
  const auto place = hn::Mul(hn::Sub(hn::LoadU(d, x), hn::Set(d, steps.low)), hn::Set(d, steps.inverse));
  const auto sum = hn::MulAdd(drawn, hn::Set(d, 0x1p-16f), place);
  hn::StoreU(hn::U8FromU32(whole_of(hn::Min(sum, hn::Set(d, steps.most)))), ByteTag(), q);
}

/// q of `count` elements.
HWY_INLINE void round_run(const float* x, std::int64_t count, const Steps& steps, const std::uint16_t* halves,
                          std::uint8_t* q) {
  std::int64_t j = 0;
  for (; j + float_lanes() <= count; j += float_lanes()) round_vector(x + j, steps, halves + j, q + j);
  if (j == count) return;
  float rest[kMostLanes];
  std::uint8_t rounded[kMostLanes];
  std::fill_n(rest, kMostLanes, steps.low);
  std::copy_n(x + j, count - j, rest);
  round_vector(rest, steps, halves + j, rounded);
  std::copy_n(rounded, count - j, q + j);
}

/// kBits bits of each of eight bytes, the first in the lowest.
template <int kBits>
HWY_INLINE std::uint64_t packed(std::uint64_t bytes) {
  bytes = (bytes | bytes >> (8 - kBits)) & (0x0001000100010001u * ((1u << 2 * kBits) - 1));
  bytes = (bytes | bytes >> (16 - 2 * kBits)) & (0x0000000100000001u * ((1u << 4 * kBits) - 1));
  return bytes | bytes >> (32 - 4 * kBits);
}

template <int kBits>
HWY_INLINE void pack(const std::uint8_t* q, std::int64_t count, std::byte* out) {
  std::int64_t j = 0;
  std::uint64_t bytes = 0;
  for (; j + 8 <= count; j += 8, out += kBits) {
    std::memcpy(&bytes, q + j, sizeof bytes);
    bytes = packed<kBits>(bytes);
    std::memcpy(out, &bytes, kBits);
  }
  if (j == count) return;
  bytes = 0;
  std::memcpy(&bytes, q + j, static_cast<std::size_t>(count - j));
  bytes = packed<kBits>(bytes);
  std::memcpy(out, &bytes, static_cast<std::size_t>(((count - j) * kBits + 7) / 8));
}

template <int kBits>
HWY_INLINE void quantise_row(const float* x, std::int64_t cols, const Steps& steps, const Draws& draws,
                             StoreId node, std::uint32_t step, std::byte* out) {
  alignas(64) std::uint32_t words[4 * kMostLanes];
  alignas(64) std::uint8_t q[kRun];
  for (std::int64_t j = 0; j < cols; j += kRun) {
    const std::int64_t count = std::min(kRun, cols - j);
    draw_halves(draws, node, j / 8, step, words);
    const auto* halves = reinterpret_cast<const std::uint16_t*>(words);
    if constexpr (kBits == 8) {
      round_run(x + j, count, steps, halves, reinterpret_cast<std::uint8_t*>(out + j));
    } else {
      round_run(x + j, count, steps, halves, q);
      pack<kBits>(q, count, out + j * kBits / 8);
    }
  }
}

/// Writes the header. A row of which something is not finite has no steps.
HWY_INLINE bool begin_row(const float* x, std::int64_t cols, float most, std::byte* out, Steps& steps) {
  const Range range = range_of(x, cols);
  const QuantisedHeader header = quantised_header(range.low, range.high, most);
  std::memcpy(out, &header, sizeof(header));
  const float low = float_of_bf16(header.low), step = float_of_bf16(header.step);
  const float inverse = step > 0 ? 1 / step : 0;
  // Of a step too small to divide by, everything is the least level.
  steps = {low, inverse - inverse == 0 ? inverse : 0, most};
  return low - low == 0 && step - step == 0;
}

template <int kBits>
void quantise_rows_of(const QuantisedRows& to, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t kBlock = 8;
  constexpr float kMost = (1 << kBits) - 1;
  const Draws draws(to.draws->key);
  const auto row_of = [&](std::int64_t i) { return to.rows.empty() ? i : std::int64_t{to.rows[i]}; };
  Steps steps[kBlock];
  bool finite[kBlock];
  for (std::int64_t first = begin; first < end; first += kBlock) {
    const std::int64_t rows = std::min(kBlock, end - first);
    std::byte* out = to.out + first * to.row_bytes;
    for (std::int64_t k = 0; k < rows; ++k)
      finite[k] = begin_row(to.x.row(row_of(first + k)), to.x.cols, kMost, out + k * to.row_bytes, steps[k]);
    for (std::int64_t k = 0; k < rows; ++k) {
      const std::int64_t row = row_of(first + k);
      std::byte* q = out + k * to.row_bytes + sizeof(QuantisedHeader);
      if (finite[k])
        quantise_row<kBits>(to.x.row(row), to.x.cols, steps[k], draws, to.ids[row], to.draws->step, q);
      else
        std::fill_n(q, to.row_bytes - static_cast<std::int64_t>(sizeof(QuantisedHeader)), std::byte{0});
    }
  }
}

void quantise_chunk(const QuantisedRows& to, std::int64_t begin, std::int64_t end) {
  switch (to.bits) {
    case 8: return quantise_rows_of<8>(to, begin, end);
    case 4: return quantise_rows_of<4>(to, begin, end);
    case 2: return quantise_rows_of<2>(to, begin, end);
    default: return quantise_rows_of<1>(to, begin, end);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith {
namespace {
HWY_EXPORT(quantise_chunk);
}  // namespace

void quantise_rows(Cpu, ConstTensor x, std::span<const std::int32_t> rows, std::span<const StoreId> ids,
                   int bits, const RoundingDraws& draws, std::byte* out) {
  if (x.cols == 0) return;
  const QuantisedRows to{x, rows, ids, bits, &draws, quantised_row_bytes(bits, x.cols), out};
  const std::int64_t count = rows.empty() ? x.rows : std::ssize(rows);
  parallel_for(0, count, quantised_rows_per_chunk(x.cols), [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(quantise_chunk)(to, begin, end);
  });
}

}  // namespace kith
#endif
