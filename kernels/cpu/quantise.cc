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

// A row is read twice, for its range and to be rounded, in blocks of rows that stay in the first cache while
// the next block is asked for: the header of a row takes as long as the rounding of a short one, but headers
// of several rows do not wait for each other. Places are counted in 256ths of a step, so that an element's
// own byte is added as a whole number: ⌊(⌊256 p + r⌋ + byte) / 256⌋ = ⌊p + (byte + r) / 256⌋. Every element
// goes through the same operations in the same order on every instruction set, the last few of a row in a
// vector of their own; products that a fused multiply-add leaves unrounded are exact (24-bit draws by a power
// of two). So all give the same bits.
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
  float rest = 0;
  for (; j < count; ++j) {
    range.low = std::min(range.low, x[j]);
    range.high = std::max(range.high, x[j]);
    rest += 0 * x[j];
  }
  if (std::isnan(rest) || !hn::AllFalse(d, hn::IsNaN(odd)))
    range.high = std::numeric_limits<float>::quiet_NaN();
  // Of two zeros either may be the least or the largest; −0 + 0 is 0.
  range.low += 0.0f;
  range.high += 0.0f;
  return range;
}

/// Elements whose bytes are drawn at once.
constexpr std::int64_t kRun = 16 * kMostLanes;
constexpr std::int64_t kBlock = 8;  ///< rows, of few columns

/// What a finite row is rounded by.
struct Steps {
  float low, inverse;  ///< in 256ths of a step
  float share;         ///< r, in 2⁻²⁴
  std::uint32_t most;  ///< what the largest q may come to
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
HWY_INLINE void round_vector(const float* x, const Steps& steps, const std::uint8_t* drawn, std::uint8_t* q) {
  const FloatTag d;
  const hn::RebindToUnsigned<FloatTag> du;
  const auto place = hn::Mul(hn::Sub(hn::LoadU(d, x), hn::Set(d, steps.low)), hn::Set(d, steps.inverse));
  const auto part = whole_of(hn::MulAdd(hn::Set(d, steps.share), hn::Set(d, 0x1p-24f), place));
  const auto sum = hn::Add(part, hn::PromoteTo(du, hn::LoadU(ByteTag(), drawn)));
  hn::StoreU(hn::U8FromU32(hn::ShiftRight<8>(hn::Min(sum, hn::Set(du, steps.most)))), ByteTag(), q);
}

/// q of `count` elements.
HWY_INLINE void round_run(const float* x, std::int64_t count, const Steps& steps, const std::uint8_t* drawn,
                          std::uint8_t* q) {
  std::int64_t j = 0;
  for (; j + float_lanes() <= count; j += float_lanes()) round_vector(x + j, steps, drawn + j, q + j);
  if (j == count) return;
  float rest[kMostLanes];
  std::uint8_t rounded[kMostLanes];
  std::fill_n(rest, kMostLanes, steps.low);
  std::copy_n(x + j, count - j, rest);
  round_vector(rest, steps, drawn + j, rounded);
  std::copy_n(rounded, count - j, q + j);
}

/// kBits bits of each of eight bytes, the first in the lowest.
template <int kBits>
HWY_INLINE std::uint64_t packed(std::uint64_t bytes) {
// Where one instruction does it, and fast: processors of before take hundreds of cycles for it.
#if HWY_TARGET == HWY_AVX3
  return _pext_u64(bytes, 0x0101010101010101u * ((1u << kBits) - 1));
#else
  bytes = (bytes | bytes >> (8 - kBits)) & (0x0001000100010001u * ((1u << 2 * kBits) - 1));
  bytes = (bytes | bytes >> (16 - 2 * kBits)) & (0x0000000100000001u * ((1u << 4 * kBits) - 1));
  return bytes | bytes >> (32 - 4 * kBits);
#endif
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

/// `count` elements, by bytes that were drawn for them.
template <int kBits>
HWY_INLINE void quantise_run(const float* x, std::int64_t count, const Steps& steps,
                             const std::uint32_t* words, std::byte* out) {
  const auto* drawn = reinterpret_cast<const std::uint8_t*>(words);
  if constexpr (kBits == 8) {
    round_run(x, count, steps, drawn, reinterpret_cast<std::uint8_t*>(out));
  } else {
    alignas(64) std::uint8_t q[kRun];
    round_run(x, count, steps, drawn, q);
    pack<kBits>(q, count, out);
  }
}

/// Writes the header. A row of which something is not finite has no steps.
HWY_INLINE bool begin_row(const Range& range, int most, std::byte* out, Steps& steps) {
  const QuantisedHeader header = quantised_header(range.low, range.high, static_cast<float>(most));
  std::memcpy(out, &header, sizeof(header));
  const float low = float_of_bf16(header.low), step = float_of_bf16(header.step);
  const float inverse = step > 0 ? 256 / step : 0;
  steps.low = low;
  // Of a step too small to divide by, everything is the least level.
  steps.inverse = inverse - inverse == 0 ? inverse : 0;
  steps.most = static_cast<std::uint32_t>(most) * 256 + 255;
  return low - low == 0 && step - step == 0;
}

/// What the elements of each of `count` ≤ kMostLanes rows share of their draws.
HWY_INLINE void draw_shares(const Draws& draws, const StoreId* nodes, std::int64_t count, std::uint32_t step,
                            float* shares) {
  std::uint32_t counter[3][kMostLanes];
  alignas(64) std::uint32_t words[4 * kMostLanes];
  for (std::int64_t first = 0; first < count; first += draws.lanes()) {
    for (std::int64_t lane = 0; lane < draws.lanes(); ++lane) {
      const auto id = static_cast<std::uint64_t>(nodes[std::min(first + lane, count - 1)].value());
      counter[0][lane] = static_cast<std::uint32_t>(id);
      counter[1][lane] = static_cast<std::uint32_t>(id >> 32);
      counter[2][lane] = kSharedDraw;
    }
    draws.words(counter, step, words);
    for (std::int64_t lane = 0; lane < std::min(draws.lanes(), count - first); ++lane)
      shares[first + lane] = static_cast<float>(words[4 * lane] >> 8);
  }
}

HWY_INLINE void prefetch(const float* row, std::int64_t cols) {
  for (std::int64_t j = 0; j < cols; j += 16) __builtin_prefetch(row + j, 0, 3);
}

/// Rows `first` … `first` + `rows` − 1 ≤ kBlock.
template <int kBits>
void quantise_block(const QuantisedRows& to, std::int64_t first, std::int64_t rows, const Draws& draws,
                    const float* shares) {
  constexpr int kMost = (1 << kBits) - 1;
  constexpr std::int64_t kWidestAhead = 1 << 12;
  Range ranges[kBlock];
  Steps steps[kBlock];
  bool finite[kBlock];
  std::byte* out = to.out + first * to.row_bytes;
  for (std::int64_t k = 0; k < rows; ++k) ranges[k] = range_of(to.x.row(to.row(first + k)), to.x.cols);
  for (std::int64_t k = 0; k < rows; ++k)
    finite[k] = begin_row(ranges[k], kMost, out + k * to.row_bytes, steps[k]);
  for (std::int64_t k = 0; k < rows; ++k) {
    steps[k].share = shares[k];
    if (const std::int64_t next = first + rows + k; next < to.count && to.x.cols <= kWidestAhead)
      prefetch(to.x.row(to.row(next)), to.x.cols);
  }
  alignas(64) std::uint32_t words[kBlock][4 * kMostLanes];
  for (std::int64_t j = 0; j < to.x.cols; j += kRun) {
    const std::int64_t count = std::min(kRun, to.x.cols - j);
    for (std::int64_t k = 0; k < rows; ++k)
      draws.some(to.ids[to.row(first + k)], static_cast<std::uint32_t>(j / 16), (count + 15) / 16,
                 to.draws->step, words[k]);
    for (std::int64_t k = 0; k < rows; ++k) {
      std::byte* q = out + k * to.row_bytes + sizeof(QuantisedHeader) + j * kBits / 8;
      if (finite[k])
        quantise_run<kBits>(to.x.row(to.row(first + k)) + j, count, steps[k], words[k], q);
      else
        std::fill_n(q, (count * kBits + 7) / 8, std::byte{0});
    }
  }
}

template <int kBits>
void quantise_rows_of(const QuantisedRows& to, std::int64_t begin, std::int64_t end) {
  const Draws draws(to.draws->key);
  const std::int64_t block = std::clamp<std::int64_t>((1 << 12) / to.x.cols, 1, kBlock);
  StoreId nodes[kMostLanes];
  float shares[kMostLanes];
  for (std::int64_t first = begin; first < end; first += kMostLanes) {
    const std::int64_t rows = std::min(kMostLanes, end - first);
    for (std::int64_t k = 0; k < rows; ++k) nodes[k] = to.ids[to.row(first + k)];
    draw_shares(draws, nodes, rows, to.draws->step, shares);
    for (std::int64_t k = 0; k < rows; k += block)
      quantise_block<kBits>(to, first + k, std::min(block, rows - k), draws, shares + k);
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
  const std::int64_t count = rows.empty() ? x.rows : std::ssize(rows);
  const QuantisedRows to{x, rows, count, ids, bits, &draws, quantised_row_bytes(bits, x.cols), out};
  parallel_for(0, count, quantised_rows_per_chunk(x.cols), [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(quantise_chunk)(to, begin, end);
  });
}

}  // namespace kith
#endif
