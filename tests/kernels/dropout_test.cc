#include "kernels/random_inputs.h"
#include <gtest/gtest.h>

#include "kith/kernels/attention.h"
#include "kith/kernels/dense.h"

namespace kith {
namespace {

using namespace test;

constexpr PhiloxKey kKey = philox_key(42, Stream::dropout, 3);
constexpr std::uint32_t kStep = 17;

/// The definition of element `j` of a node's mask, one word at a time.
float masked(float x, float p, StoreId node, std::int64_t j) {
  const std::uint32_t word = draw_words(kKey, node, kStep, static_cast<std::uint32_t>(j / 4))[j % 4];
  return static_cast<double>(word) >= static_cast<double>(p) * 0x1p32 ? x * (1.0f / (1.0f - p)) : 0.0f;
}

/// Ids on both sides of 2³², so that the high word counts.
std::vector<StoreId> random_ids(std::int64_t count) {
  Random random(99);
  std::vector<StoreId> ids;
  for (std::int64_t i = 0; i < count; ++i)
    ids.emplace_back(static_cast<std::int64_t>(random.word()) << (i % 9));
  return ids;
}

class DropoutWidths : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Widths, DropoutWidths, testing::Values(1, 3, 4, 7, 32, 33, 64, 128, 300));

TEST_P(DropoutWidths, IsTheScalarDefinitionBitForBit) {
  const int d = GetParam();
  const std::int64_t n = 150;
  const auto ids = random_ids(n);
  const Matrix storage = random_matrix(n, d + 5, 1);
  const ConstTensor x(storage.data(), n, d, d + 5);
  for_each_instruction_set([&] {
    for (const float p : {0.001f, 0.1f, 0.5f, 0.9f}) {
      Matrix y(n, d, NAN);
      dropout(Cpu{}, {p, kKey, kStep, ids}, x, 0, y);
      for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < d; ++j)
          ASSERT_EQ(y(i, j), masked(x(i, j), p, ids[i], j)) << i << ' ' << j;
      }
    }
  });
}

TEST(Dropout, OfMostlyZerosIsTheScalarDefinition) {
  const std::int64_t n = 60, d = 301;
  const auto ids = random_ids(n);
  const Matrix dense = random_matrix(n, d, 3);
  Matrix x(n, d);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j) x(i, j) = (i * d + j) % 97 == 0 ? dense(i, j) : 0.0f;
  for_each_instruction_set([&] {
    for (const float beta : {0.0f, 1.0f}) {
      Matrix y(n, d, 2.0f);
      dropout(Cpu{}, {0.3f, kKey, kStep, ids}, x, beta, y);
      for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < d; ++j)
          ASSERT_FLOAT_EQ(y(i, j), masked(x(i, j), 0.3f, ids[i], j) + 2 * beta) << i << ' ' << j;
      }
    }
  });
}

TEST(Dropout, AddsBetaTimesTheOld) {
  const auto ids = random_ids(20);
  const Matrix x = random_matrix(20, 33, 2);
  Matrix y(20, 33, 3.0f);
  dropout(Cpu{}, {0.5f, kKey, kStep, ids}, x, 1, y);
  for (std::int64_t i = 0; i < 20; ++i) {
    for (std::int64_t j = 0; j < 33; ++j) ASSERT_FLOAT_EQ(y(i, j), masked(x(i, j), 0.5f, ids[i], j) + 3);
  }
}

TEST(Dropout, OfZeroCopiesAndOfOneClears) {
  const auto ids = random_ids(8);
  const Matrix x = random_matrix(8, 10, 3);
  Matrix y(8, 10);
  dropout(Cpu{}, {0, kKey, kStep, ids}, x, 0, y);
  EXPECT_TRUE(same_bits(x, y));
  dropout(Cpu{}, {1, kKey, kStep, ids}, x, 0, y);
  for (const float value : y.span()) EXPECT_EQ(value, 0);
}

TEST(EdgeDropout, DrawsByDestinationSlotAndHead) {
  const Csr32 a = random_csr(80, 40, 13, 10007, 4);
  const auto ids = random_ids(80);
  for (const int heads : {1, 3, 8}) {
    const auto before = random_values(a.m() * heads, 5);
    for_each_instruction_set([&] {
      auto values = before;
      edge_dropout(Cpu{}, a, {}, heads, {0.6f, kKey, kStep, ids}, values);
      for (std::int64_t i = 0; i < 80; ++i) {
        for (std::int64_t slot = 0; slot < a.view().degree(i); ++slot) {
          for (int h = 0; h < heads; ++h) {
            const std::int64_t k = (a.indptr[i] + slot) * heads + h;
            ASSERT_EQ(values[k], masked(before[k], 0.6f, ids[i], slot * heads + h)) << i << ' ' << slot;
          }
        }
      }
    });
  }
}

TEST(EdgeDropout, OfSomeRowsLeavesTheOthers) {
  const Csr32 a = random_csr(30, 40, -1, 0, 6);
  const auto ids = random_ids(30);
  const auto before = random_values(a.m(), 7);
  auto all = before, some = before;
  edge_dropout(Cpu{}, a, {}, 1, {0.5f, kKey, kStep, ids}, all);
  const std::vector<std::int32_t> rows{0, 2, 7, 29};
  edge_dropout(Cpu{}, a, rows, 1, {0.5f, kKey, kStep, ids}, some);
  for (std::int32_t i = 0; i < 30; ++i) {
    const bool chosen = std::find(rows.begin(), rows.end(), i) != rows.end();
    for (std::int64_t e = a.indptr[i]; e < a.indptr[i + 1]; ++e)
      ASSERT_EQ(some[e], chosen ? all[e] : before[e]);
  }
}

}  // namespace
}  // namespace kith
