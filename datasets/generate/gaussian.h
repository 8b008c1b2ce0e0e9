#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "kith/core/philox.h"

namespace kith {

/// Four standard normal numbers from four random words: Box and Muller, 1958.
inline std::array<float, 4> gaussians(const PhiloxWords& words) {
  std::array<float, 4> out{};
  for (int pair = 0; pair < 2; ++pair) {
    // 1 − [0, 1) is never 0, so the logarithm is finite.
    const float radius = std::sqrt(-2 * std::log(1 - unit_float(words[2 * pair])));
    const float angle = 2 * std::numbers::pi_v<float> * unit_float(words[2 * pair + 1]);
    out[2 * pair] = radius * std::cos(angle);
    out[2 * pair + 1] = radius * std::sin(angle);
  }
  return out;
}

}  // namespace kith
