#pragma once
#include "kith/core/philox.h"

namespace kith {

/// Of a matrix whose zeros have a gradient of zero, as ReLU leaves it; with dropout behind, what is dropped
/// at a step is drawn by this key (kernels/dense.h, RowDropout).
struct ZeroPattern {
  float p = 0;  ///< of dropout; 0: none
  PhiloxKey key;
};

}  // namespace kith
