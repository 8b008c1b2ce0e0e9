#include "kith/kernels/quantise.h"

#include <cstring>
#include <limits>
#include <numeric>

#include "kernels/random_inputs.h"

#include "kith/core/dtype.h"

namespace kith {
namespace {

using namespace test;

std::vector<StoreId> some_ids(std::int64_t count) {
  std::vector<StoreId> ids;
  for (std::int64_t i = 0; i < count; ++i)
    ids.emplace_back(i * 7919 + (i % 3 == 0 ? std::int64_t{1} << 33 : 0));
  return ids;
}

std::vector<std::byte> quantised(ConstTensor x, std::span<const std::int32_t> rows, int bits,
                                 const RoundingDraws& draws) {
  const std::int64_t count = rows.empty() ? x.rows : std::ssize(rows);
  std::vector<std::byte> wire(static_cast<std::size_t>(count * quantised_row_bytes(bits, x.cols)));
  quantise_rows(Cpu{}, x, rows, some_ids(x.rows), bits, draws, wire.data());
  return wire;
}

Matrix decoded(const std::vector<std::byte>& wire, std::int64_t rows, std::int64_t cols, int bits) {
  Matrix y(rows, cols);
  dequantise_rows(Cpu{}, wire.data(), bits, y);
  return y;
}

/// Low and step of a row on the wire.
std::pair<float, float> header_of(const std::byte* row) {
  std::uint16_t halves[2];
  std::memcpy(halves, row, sizeof(halves));
  return {float_of_bf16(halves[0]), float_of_bf16(halves[1])};
}

class Quantise : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Bits, Quantise, testing::Values(1, 2, 4, 8));

TEST_P(Quantise, EveryElementIsOneOfTheTwoNearestSteps) {
  for (const std::int64_t cols : {1, 3, 32, 33, 128, 300}) {
    const Matrix x = random_matrix(50, cols, 3);
    const auto wire = quantised(x, {}, GetParam(), {philox_key(1, Stream::rounding), 5});
    const Matrix y = decoded(wire, 50, cols, GetParam());
    for (std::int64_t i = 0; i < 50; ++i) {
      const auto [low, step] = header_of(&wire[i * quantised_row_bytes(GetParam(), cols)]);
      const auto [least, largest] = std::minmax_element(x.view().row(i), x.view().row(i) + cols);
      ASSERT_LE(low, *least);
      ASSERT_GE(low + step * static_cast<float>((1 << GetParam()) - 1), *largest - 1e-6f);
      for (std::int64_t j = 0; j < cols; ++j) ASSERT_NEAR(y(i, j), x(i, j), step * 1.0001f + 1e-6f);
    }
  }
}

TEST_P(Quantise, TheBitsAreThoseOfTheFormula) {
  const int bits = GetParam();
  const std::int64_t cols = 141;
  const Matrix x = random_matrix(9, cols, 4);
  const auto ids = some_ids(9);
  const RoundingDraws draws{philox_key(2, Stream::rounding, 3), 77};
  const std::vector<std::int32_t> rows{8, 0, 3, 3};
  const auto wire = quantised(x, rows, bits, draws);
  const std::int64_t row_bytes = quantised_row_bytes(bits, cols);
  std::int64_t differ = 0;
  for (std::int64_t i = 0; i < 4; ++i) {
    const auto [low, step] = header_of(&wire[i * row_bytes]);
    for (std::int64_t j = 0; j < cols; ++j) {
      const PhiloxWords words =
          draw_words(draws.key, ids[rows[i]], draws.step, static_cast<std::uint32_t>(j / 16));
      const std::uint32_t drawn = words[j % 16 / 4] >> (j % 4 * 8) & 0xFF;
      const float share = unit_float(draw_words(draws.key, ids[rows[i]], draws.step, kSharedDraw)[0]);
      const double place =
          (static_cast<double>(x(rows[i], j)) - low) / step + (static_cast<double>(drawn) + share) / 256;
      const auto byte = static_cast<unsigned>(wire[i * row_bytes + 4 + j * bits / 8]);
      const unsigned q = byte >> (j * bits % 8) & ((1u << bits) - 1);
      // The kernel multiplies by 1 / step in fp32, which may fall on the other side of a whole number.
      if (q != static_cast<unsigned>(std::clamp(place, 0.0, (1 << bits) - 1.0))) ++differ;
      ASSERT_NEAR(q, std::clamp(std::floor(place), 0.0, (1 << bits) - 1.0), 1);
    }
  }
  EXPECT_LE(differ, 2);
}

TEST_P(Quantise, TheMeanOfManyDrawsIsTheElement) {
  const std::int64_t cols = 40;
  constexpr int kDraws = 4000;
  const Matrix x = random_matrix(2, cols, 6);
  std::vector<double> sum(static_cast<std::size_t>(2 * cols));
  double step = 0;
  for (std::uint32_t s = 0; s < kDraws; ++s) {
    const auto wire = quantised(x, {}, GetParam(), {philox_key(9, Stream::rounding), s});
    const Matrix y = decoded(wire, 2, cols, GetParam());
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += y.data()[k];
    step = header_of(wire.data()).second;
  }
  // An element's deviation is half a step at most; five of the mean's.
  const double bound = 5 * 0.5 * step / std::sqrt(kDraws) + step * 0x1p-15;
  for (std::size_t k = 0; k < sum.size(); ++k) EXPECT_NEAR(sum[k] / kDraws, x.data()[k], bound) << k;
}

/// A row of the levels 0 and 2ᵇ − 1 and of elements that are a 1024th above 0, rounded at 2,000 steps: of
/// each step, how many of these came to 1. An element's own eight bits could not tell so little.
std::vector<double> rounded_up(int bits, std::int64_t cols) {
  Matrix x(1, cols + 2, 0x1p-10f);
  x(0, 0) = 0;
  x(0, 1) = static_cast<float>((1 << bits) - 1);
  std::vector<double> counts;
  for (std::uint32_t s = 0; s < 2000; ++s) {
    const Matrix y = decoded(quantised(x, {}, bits, {philox_key(4, Stream::rounding), s}), 1, cols + 2, bits);
    counts.push_back(static_cast<double>(std::count(y.data() + 2, y.data() + cols + 2, 1.0f)));
  }
  return counts;
}

TEST_P(Quantise, AShareOfAStepBelowAnElementsOwnDrawCounts) {
  const std::vector<double> counts = rounded_up(GetParam(), 512);
  const double sum = std::accumulate(counts.begin(), counts.end(), 0.0);
  // By a row's common draw the count is 0, or 2 in the mean at every fourth step; five deviations.
  const double deviation = std::sqrt(2000 * (0.25 * 0.75 * 4 + 0.25 * 2));
  EXPECT_NEAR(sum, 1000, 5 * deviation);
  EXPECT_GT(sum, 500);
}

TEST_P(Quantise, ErrorsOfARowAddUpLikeIndependentOnes) {
  const std::int64_t cols = 256;
  constexpr int kDraws = 4000;
  Matrix x = random_matrix(1, cols, 2);
  double squares = 0, alone = 0;
  for (std::uint32_t s = 0; s < kDraws; ++s) {
    const Matrix y =
        decoded(quantised(x, {}, GetParam(), {philox_key(5, Stream::rounding), s}), 1, cols, GetParam());
    double sum = 0;
    for (std::int64_t j = 0; j < cols; ++j) {
      const double lost = static_cast<double>(y(0, j)) - x(0, j);
      sum += lost;
      alone += lost * lost;
    }
    squares += sum * sum;
  }
  // A variance of 4,000 draws is within a tenth at more than four deviations.
  EXPECT_NEAR(squares / alone, 1, 0.1);
}

/// Rows of all kinds: alike, far from 0, of zeros of both signs, tiny, huge, not finite.
Matrix odd_rows(std::int64_t cols) {
  Matrix x = random_matrix(33, cols, 8);
  const auto fill_row = [&](std::int64_t i, auto&& value) {
    for (std::int64_t j = 0; j < cols; ++j) x(i, j) = value(x(i, j), j);
  };
  fill_row(1, [](float v, auto) { return 1000 + v; });
  fill_row(2, [](float, auto j) { return j % 2 == 0 ? 0.0f : -0.0f; });
  fill_row(3, [](float v, auto) { return 1e-39f * v; });
  fill_row(4, [](float v, auto) { return 3e38f * v; });
  fill_row(5, [](float, auto j) { return j == 0 ? std::numeric_limits<float>::quiet_NaN() : 1.0f; });
  fill_row(6, [](float, auto j) { return j == 0 ? std::numeric_limits<float>::infinity() : 1.0f; });
  fill_row(7, [](float v, auto) { return std::max(0.0f, v); });
  return x;
}

bool same_bits(const Matrix& a, const Matrix& b) {
  return std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0;
}

TEST_P(Quantise, EveryInstructionSetGivesTheSameBits) {
  const RoundingDraws draws{philox_key(3, Stream::rounding), 1};
  for (const std::int64_t cols : {1, 7, 8, 16, 77, 128, 129, 300}) {
    const Matrix x = odd_rows(cols);
    const auto best = quantised(x, {}, GetParam(), draws);
    const Matrix back = decoded(best, 33, cols, GetParam());
    for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
      hwy::SetSupportedTargetsForTest(target);
      const auto wire = quantised(x, {}, GetParam(), draws);
      const Matrix there = decoded(best, 33, cols, GetParam());
      hwy::SetSupportedTargetsForTest(0);
      EXPECT_TRUE(wire == best) << hwy::TargetName(target) << ", " << cols << " columns";
      EXPECT_TRUE(same_bits(back, there)) << hwy::TargetName(target) << ", " << cols << " columns";
    }
  }
}

TEST_P(Quantise, ARowIsTheSameAloneAndAmongOthers) {
  const RoundingDraws draws{philox_key(3, Stream::rounding), 1};
  const Matrix x = odd_rows(45);
  const auto all = quantised(x, {}, GetParam(), draws);
  const std::int64_t row_bytes = quantised_row_bytes(GetParam(), 45);
  for (std::int32_t i = 0; i < 33; ++i) {
    const std::vector<std::int32_t> rows{i};
    const auto alone = quantised(x, rows, GetParam(), draws);
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), all.begin() + i * row_bytes)) << i;
  }
}

TEST_P(Quantise, ConstantRowsAndWhatIsNotFinite) {
  Matrix x(4, 10, 0.0f);
  for (std::int64_t j = 0; j < 10; ++j) x(1, j) = 3.140625f;  // a bf16
  x(2, 4) = std::numeric_limits<float>::quiet_NaN();
  x(3, 9) = -std::numeric_limits<float>::infinity();
  const Matrix y = decoded(quantised(x, {}, GetParam(), {}), 4, 10, GetParam());
  for (std::int64_t j = 0; j < 10; ++j) {
    EXPECT_EQ(y(0, j), 0);
    EXPECT_EQ(y(1, j), 3.140625f);
    EXPECT_TRUE(std::isnan(y(2, j)));
    EXPECT_TRUE(std::isnan(y(3, j)));
  }
}

/// Elements alike, of two kinds, and one that stands far out of many: never more is lost than a row varies
/// by.
TEST_P(Quantise, ToTheNearestLosesLessThanTheRowVariesBy) {
  for (const std::int64_t cols : {1, 2, 7, 64, 300}) {
    Matrix x = random_matrix(12, cols, 5);
    for (std::int64_t i = 0; i < 12; i += 3) x(i, cols / 2) = 1e4f;
    for (std::int64_t j = 0; j < cols; ++j) x(1, j) = j % 2 == 0 ? -3.0f : 5.0f;
    for (std::int64_t j = 0; j < cols; ++j) x(2, j) = 0.5f;
    std::vector<std::byte> wire(static_cast<std::size_t>(12 * quantised_row_bytes(GetParam(), cols)));
    quantise_rows_to_nearest(Cpu{}, x, GetParam(), wire.data());
    const Matrix y = decoded(wire, 12, cols, GetParam());
    for (std::int64_t i = 0; i < 12; ++i) {
      double mean = 0, spread = 0, length = 0, lost = 0;
      for (std::int64_t j = 0; j < cols; ++j) mean += x(i, j) / static_cast<double>(cols);
      for (std::int64_t j = 0; j < cols; ++j) {
        spread += std::pow(x(i, j) - mean, 2);
        length += std::pow(x(i, j), 2);
        lost += std::pow(x(i, j) - y(i, j), 2);
      }
      // What bf16 levels add.
      EXPECT_LE(lost, (cols > 1 ? 0.9 : 1) * spread + 4e-5 * length) << i << " of " << cols;
    }
    for (std::int64_t j = 0; j < cols; ++j) EXPECT_NEAR(y(1, j), x(1, j), 0.05);
  }
}

TEST(Quantise, OtherNumbersOfBitsAreRefused) {
  EXPECT_THROW(quantised_row_bytes(3, 10), Error);
  EXPECT_EQ(quantised_row_bytes(1, 9), 6);
  EXPECT_EQ(quantised_row_bytes(8, 9), 13);
}

}  // namespace
}  // namespace kith
