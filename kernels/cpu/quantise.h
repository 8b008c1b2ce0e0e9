#pragma once
#include <bit>
#include <cstdint>

#include "kith/core/dtype.h"
#include "kith/kernels/quantise.h"

namespace kith {

/// The two bf16 in front of a quantised row.
struct QuantisedHeader {
  std::uint16_t low, step;
};

/// The nearest bf16 that is not above, or not below: away from zero is one more of the magnitude.
constexpr std::uint16_t bf16_below(float value) {
  const auto half = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
  return float_of_bf16(half) > value ? static_cast<std::uint16_t>(half + 1) : half;
}
constexpr std::uint16_t bf16_above(float value) {
  const auto half = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
  return float_of_bf16(half) < value ? static_cast<std::uint16_t>(half + 1) : half;
}
/// Of a range, widened to what bf16 can say; `most` is the largest q. Not finite: NaN.
constexpr QuantisedHeader quantised_header(float low, float high, float most) {
  if (low - low != 0 || high - high != 0) return {0, 0x7fc0};
  const std::uint16_t below = bf16_below(low);
  return {below, bf16_above((high - float_of_bf16(below)) / most)};
}

/// Rows of about 32 KiB.
constexpr std::int64_t quantised_rows_per_chunk(std::int64_t cols) {
  return cols > 1 << 13 ? 1 : (1 << 13) / (cols > 1 ? cols : 1);
}

struct QuantisedRows {
  ConstTensor x;
  std::span<const std::int32_t> rows;  ///< empty: all
  std::int64_t count = 0;              ///< of them
  std::span<const StoreId> ids;
  int bits = 8;
  const RoundingDraws* draws = nullptr;
  std::int64_t row_bytes = 0;
  std::byte* out = nullptr;
  std::int64_t row(std::int64_t i) const { return rows.empty() ? i : std::int64_t{rows[i]}; }
};

}  // namespace kith
