#include "kith/core/dtype.h"

#include <bit>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace kith {
namespace {

TEST(Bf16, RoundsToTheNearerNeighbourAndTiesToEven) {
  for (std::uint32_t bits = 0x3f000000; bits < 0x40000000; bits += 4099) {
    const float value = std::bit_cast<float>(bits);
    const float rounded = float_of_bf16(bf16_of_float(value));
    const float below = std::bit_cast<float>(bits & 0xffff0000u);
    const float above = std::bit_cast<float>((bits & 0xffff0000u) + 0x10000u);
    EXPECT_EQ(std::abs(value - rounded), std::min(value - below, above - value));
  }
  EXPECT_EQ(bf16_of_float(std::bit_cast<float>(0x3f808000u)), 0x3f80);
  EXPECT_EQ(bf16_of_float(std::bit_cast<float>(0x3f818000u)), 0x3f82);
}

TEST(Bf16, KeepsInfinityAndNan) {
  EXPECT_EQ(float_of_bf16(bf16_of_float(std::numeric_limits<float>::infinity())),
            std::numeric_limits<float>::infinity());
  // A NaN whose payload lies in the lower half must not become an infinity.
  EXPECT_TRUE(std::isnan(float_of_bf16(bf16_of_float(std::bit_cast<float>(0x7f800001u)))));
}

TEST(F16, EveryFiniteHalfIsItsSignExponentAndMantissa) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const int exponent = static_cast<int>(bits >> 10 & 31), mantissa = static_cast<int>(bits & 1023);
    if (exponent == 31) continue;
    const double magnitude =
        exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    const double expected = bits & 0x8000 ? -magnitude : magnitude;
    ASSERT_EQ(float_of_f16(static_cast<std::uint16_t>(bits)), static_cast<float>(expected)) << bits;
  }
}

TEST(F16, InfinityAndNanStay) {
  EXPECT_EQ(float_of_f16(0x7c00), std::numeric_limits<float>::infinity());
  EXPECT_EQ(float_of_f16(0xfc00), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(float_of_f16(0x7e01)));
}

}  // namespace
}  // namespace kith
