#include "kith/kernels/rows.h"

#include <bit>
#include <numeric>

#include "kernels/random_inputs.h"
#include <gtest/gtest.h>

namespace kith {
namespace {

using namespace test;

class RowWidths : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Widths, RowWidths, testing::Values(1, 3, 32, 33, 128, 300));

TEST_P(RowWidths, GatheredRowsAreTheRowsAskedFor) {
  const int d = GetParam();
  const Matrix storage = random_matrix(900, d + 3, 1);
  const ConstTensor x(storage.data(), 900, d, d + 3);
  Random random(2);
  std::vector<std::int32_t> rows(5000);
  for (std::int32_t& row : rows) row = static_cast<std::int32_t>(random.below(900));
  Matrix out(5000, d);
  gather_rows(Cpu{}, x, rows, out);
  for (std::int64_t i = 0; i < 5000; ++i) {
    for (std::int64_t j = 0; j < d; ++j) ASSERT_EQ(out(i, j), x(rows[i], j));
  }
}

TEST_P(RowWidths, AddingRowsIsTheAdjointOfGatheringThem) {
  const int d = GetParam();
  const Matrix x = random_matrix(900, d, 3), dy = random_matrix(300, d, 4);
  std::vector<std::int32_t> rows(300);
  for (std::int32_t i = 0; i < 300; ++i) rows[i] = (i * 7) % 900;
  Matrix y(300, d), dx(900, d, 0.0f);
  gather_rows(Cpu{}, x, rows, y);
  add_rows(Cpu{}, dy, rows, dx);
  EXPECT_NEAR(inner_product(y, dy), inner_product(x, dx), 1e-6);
}

TEST_P(RowWidths, GatheredBytesAreTheBytesAskedFor) {
  const std::int64_t bytes = GetParam();
  std::vector<std::byte> x(static_cast<std::size_t>(500 * bytes));
  Random random(5);
  for (std::byte& b : x) b = static_cast<std::byte>(random.below(256));
  std::vector<std::int64_t> rows(2000);
  for (std::int64_t& row : rows) row = random.below(500);
  std::vector<std::byte> out(static_cast<std::size_t>(2000 * bytes));
  gather_bytes(Cpu{}, x.data(), bytes, rows, out.data());
  for (std::int64_t i = 0; i < 2000; ++i) {
    ASSERT_EQ(std::memcmp(&out[i * bytes], &x[rows[i] * bytes], static_cast<std::size_t>(bytes)), 0);
  }
}

template <class T>
void expect_decoded(DType type, const std::vector<T>& stored, const std::vector<float>& want, int cols) {
  const auto rows = static_cast<std::int64_t>(stored.size()) / cols;
  Matrix y(rows, cols);
  decode_rows(Cpu{}, reinterpret_cast<const std::byte*>(stored.data()), type, {}, y);
  for (std::size_t k = 0; k < want.size(); ++k) ASSERT_EQ(y.data()[k], want[k]) << name_of(type) << ' ' << k;
}

TEST(DecodeRows, ReadsEveryStoredType) {
  expect_decoded<std::uint16_t>(DType::f16, {0x3C00, 0xC000, 0x3555, 0x0001},
                                {1, -2, 0.333251953125f, 0x1p-24f}, 2);
  expect_decoded<std::uint16_t>(DType::bf16, {0x3F80, 0xC000, 0x4049, 0}, {1, -2, 3.140625f, 0}, 2);
  expect_decoded<float>(DType::f32, {1.5f, -2.25f}, {1.5f, -2.25f}, 1);
  expect_decoded<double>(DType::f64, {1.5, -2.25}, {1.5f, -2.25f}, 2);
  expect_decoded<std::int8_t>(DType::i8, {-128, 127}, {-128, 127}, 1);
  expect_decoded<std::uint8_t>(DType::u8, {255, 1}, {255, 1}, 1);
  expect_decoded<std::int64_t>(DType::i64, {-3, 1 << 20}, {-3, 1 << 20}, 2);
  expect_decoded<std::uint32_t>(DType::u32, {4000000000u}, {4e9f}, 1);
}

TEST(DecodeRows, MultipliesAnInt8RowByItsScale) {
  const std::vector<std::int8_t> stored{1, -2, 3, 4};
  const std::vector<float> scales{0.5f, 10};
  Matrix y(2, 2);
  decode_rows(Cpu{}, reinterpret_cast<const std::byte*>(stored.data()), DType::i8, scales, y);
  EXPECT_EQ(y(0, 0), 0.5f);
  EXPECT_EQ(y(0, 1), -1);
  EXPECT_EQ(y(1, 0), 30);
  EXPECT_EQ(y(1, 1), 40);
}

TEST(GatherRows, RefusesShapesThatDoNotFit) {
  Matrix x(3, 2, 1.0f), out(2, 2);
  const std::vector<std::int32_t> rows{0};
  EXPECT_THROW(gather_rows(Cpu{}, x, rows, out), Error);
}

TEST(EncodeRows, DecodedAreAsNearAsTheTypeAllows) {
  Matrix x = random_matrix(300, 37, 21);
  for (std::int64_t i = 0; i < x.rows(); ++i)
    for (std::int64_t j = 0; j < x.cols(); ++j) x(i, j) *= std::ldexp(1.0f, static_cast<int>(i % 30) - 25);
  for (const DType type : {DType::bf16, DType::f16, DType::i8}) {
    SCOPED_TRACE(name_of(type));
    std::vector<std::byte> stored(static_cast<std::size_t>(x.size()) * size_of(type));
    std::vector<float> scales(type == DType::i8 ? 300 : 0);
    encode_rows(Cpu{}, x, type, stored.data(), scales);
    Matrix back(300, 37);
    decode_rows(Cpu{}, stored.data(), type, scales, back);
    for (std::int64_t i = 0; i < x.rows(); ++i) {
      for (std::int64_t j = 0; j < x.cols(); ++j) {
        const double relative = type == DType::bf16 ? 0x1p-8 : 0x1p-11;
        const double step = type == DType::f16 ? 0x1p-25 : 0;
        const double bound =
            type == DType::i8 ? 0.501 * scales[i] : std::max(relative * std::abs(x(i, j)) * 1.0001, step);
        ASSERT_NEAR(back(i, j), x(i, j), bound) << i << ' ' << j;
      }
    }
  }
}

TEST(EncodeRows, KnowsTheEndsOfHalf) {
  const float values[] = {65504, 65519, 65520, -1e30f, 0x1p-24f, 0x1p-26f, -0.0f, 0x1.ffep-15f};
  const std::uint16_t want[] = {0x7bff, 0x7bff, 0x7c00, 0xfc00, 0x0001, 0x0000, 0x8000, 0x0400};
  std::uint16_t got[8];
  encode_rows(Cpu{}, ConstTensor(values, 1, 8), DType::f16, reinterpret_cast<std::byte*>(got), {});
  for (int j = 0; j < 8; ++j) EXPECT_EQ(got[j], want[j]) << values[j];
}

TEST(DecodeRows, EveryHalfIsTheSameOnEveryInstructionSet) {
  std::vector<std::uint16_t> halves(1 << 16);
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(i);
  // At an odd address, as behind the bitmap of a frame.
  std::vector<std::byte> stored(halves.size() * 2 + 1);
  std::memcpy(stored.data() + 1, halves.data(), halves.size() * 2);
  for (const DType type : {DType::bf16, DType::f16}) {
    for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
      Matrix y(1 << 8, 1 << 8);
      hwy::SetSupportedTargetsForTest(target);
      decode_rows(Cpu{}, stored.data() + 1, type, {}, y);
      hwy::SetSupportedTargetsForTest(0);
      for (std::size_t i = 0; i < halves.size(); ++i) {
        const float want = type == DType::bf16 ? float_of_bf16(halves[i]) : float_of_f16(halves[i]);
        if (std::isnan(want)) {
          ASSERT_TRUE(std::isnan(y.data()[i]));
        } else {
          ASSERT_EQ(std::bit_cast<std::uint32_t>(y.data()[i]), std::bit_cast<std::uint32_t>(want)) << i;
        }
      }
    }
  }
}

TEST(EncodeRows, ChosenOnesAreThoseOfTheGatheredMatrix) {
  const Matrix x = random_matrix(40, 37, 3);
  const std::vector<std::int32_t> rows{7, 0, 39, 7, 12};
  Matrix some(5, 37);
  gather_rows(Cpu{}, x, rows, some);
  for (const DType type : {DType::bf16, DType::f16}) {
    std::vector<std::byte> chosen(5 * 37 * 2), gathered(5 * 37 * 2);
    encode_chosen_rows(x, rows, type, chosen.data());
    encode_rows(Cpu{}, some, type, gathered.data(), {});
    EXPECT_EQ(chosen, gathered);
  }
  EXPECT_THROW(encode_chosen_rows(x, rows, DType::i8, nullptr), Error);
}

}  // namespace
}  // namespace kith
