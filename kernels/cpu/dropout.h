#pragma once
#include <cstdint>

#include "kith/core/philox.h"

namespace kith {

/// What the elements of a dropout call have in common.
struct DropoutMask {
  PhiloxKey key;
  std::uint32_t step = 0;
  std::uint32_t least = 0;  ///< words from here on keep their element
  float scale = 1;          ///< 1 / (1 − p)
  float beta = 0;
  bool relu = false;  ///< elements below 0 are dropped too
};

/// For p = 1 nothing is kept, which the scale says.
DropoutMask mask_of(float p, PhiloxKey key, std::uint32_t step, float beta);

/// One row: element j uses word j % 4 of draw j / 4 of node `id`.
struct DropoutRow {
  StoreId id;
  const float* x = nullptr;
  float* y = nullptr;
  std::int64_t count = 0;
};

}  // namespace kith
