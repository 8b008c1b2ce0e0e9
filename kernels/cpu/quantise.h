#pragma once
#include <cstdint>

#include "kith/kernels/quantise.h"

namespace kith {

/// The two bf16 in front of a quantised row.
struct QuantisedHeader {
  std::uint16_t low, step;
};
/// Of a range, widened to what bf16 can say; `most` is the largest q.
QuantisedHeader quantised_header(float low, float high, float most);

struct QuantisedRows {
  ConstTensor x;
  std::span<const std::int32_t> rows;  ///< empty: all
  std::span<const StoreId> ids;
  int bits = 8;
  const RoundingDraws* draws = nullptr;
  std::int64_t row_bytes = 0;
  std::byte* out = nullptr;
};

}  // namespace kith
