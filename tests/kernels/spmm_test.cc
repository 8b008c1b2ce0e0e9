#include "kith/kernels/spmm.h"

#include "kernels/random_inputs.h"
#include <gtest/gtest.h>

#include "kith/kernels/rows.h"

namespace kith {
namespace {

using namespace test;

constexpr std::int64_t kRows = 60, kColumns = 70, kHub = 17, kHubDegree = 40000;

/// The formula, entry by entry in double, and Σ|terms| for the tolerance.
struct Expected {
  double value = 0, magnitude = 0;
  void add(double term) {
    value += term;
    magnitude += std::abs(term);
  }
};
Expected expected(CsrView<std::int32_t> a, const SpmmScales& s, ConstTensor x, double old, std::int64_t i,
                  std::int64_t j) {
  Expected y;
  const std::int64_t head = s.heads == 1 ? 0 : j / (x.cols / s.heads);
  for (std::int64_t e = a.indptr[i]; e < a.indptr[i + 1]; ++e) {
    double term = x(a.indices[e], j);
    if (!s.row_scale.empty()) term *= s.row_scale[i];
    if (!s.col_scale.empty()) term *= s.col_scale[a.indices[e]];
    if (!s.weights.empty()) term *= s.weights[(s.edge.empty() ? e : s.edge[e]) * s.heads + head];
    y.add(term);
  }
  if (i < static_cast<std::int64_t>(s.self_scale.size()))
    y.add(static_cast<double>(s.self_scale[i]) * x(i, j));
  if (s.beta != 0) y.add(s.beta * old);
  return y;
}

void expect_formula(CsrView<std::int32_t> a, const SpmmScales& s, ConstTensor x, std::int64_t stride) {
  Matrix storage = random_matrix(a.n(), stride, 5);
  if (s.beta == 0) std::fill(storage.span().begin(), storage.span().end(), NAN);
  const Matrix old = [&] {
    Matrix copy(a.n(), stride);
    std::copy(storage.span().begin(), storage.span().end(), copy.data());
    return copy;
  }();
  const Tensor y(storage.data(), a.n(), x.cols, stride);
  spmm(Cpu{}, a, s, x, y);
  for (std::int64_t i = 0; i < a.n(); ++i) {
    for (std::int64_t j = 0; j < x.cols; ++j) {
      const Expected want = expected(a, s, x, old(i, j), i, j);
      ASSERT_NEAR(y(i, j), want.value, 1e-5 * want.magnitude + 1e-30)
          << "row " << i << " column " << j << " width " << x.cols;
    }
    for (std::int64_t j = x.cols; j < stride; ++j) {
      ASSERT_EQ(std::memcmp(&storage.data()[i * stride + j], &old.data()[i * stride + j], 4), 0)
          << "wrote behind row " << i;
    }
  }
}

class SpmmWidths : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Widths, SpmmWidths,
                         testing::Values(1, 2, 3, 4, 5, 7, 8, 11, 15, 16, 17, 31, 32, 33, 40, 100, 128, 256,
                                         257, 300));

TEST_P(SpmmWidths, IsTheFormulaWithAndWithoutScales) {
  const int d = GetParam();
  const Csr32 a = random_csr(kRows, kColumns, kHub, kHubDegree, 1);
  const Matrix storage = random_matrix(kColumns, d + 1, 2);
  const ConstTensor x(storage.data(), kColumns, d, d + 1);
  const auto row = random_values(kRows, 3), col = random_values(kColumns, 4),
             self = random_values(kRows - 7, 6);
  const auto weights = random_values(a.m(), 7);
  for_each_instruction_set([&] {
    expect_formula(a, {}, x, d + 3);
    expect_formula(a, {.row_scale = row, .col_scale = col, .self_scale = self, .beta = 1}, x, d + 3);
    expect_formula(a, {.row_scale = row, .weights = weights, .beta = 0.5f}, x, d);
  });
}

TEST(Spmm, HeadsTakeTheirOwnWeights) {
  const Csr32 a = random_csr(kRows, kColumns, kHub, kHubDegree, 11);
  for (const auto& [heads, head_width] :
       {std::pair{2, 1}, {3, 3}, {8, 8}, {4, 16}, {4, 12}, {3, 33}, {5, 64}, {2, 150}}) {
    const Matrix x = random_matrix(kColumns, heads * head_width, 12);
    const auto weights = random_values(a.m() * heads, 13);
    const auto col = random_values(kColumns, 14);
    for_each_instruction_set([&] {
      expect_formula(a, {.weights = weights, .heads = heads}, x, x.cols());
      expect_formula(a, {.col_scale = col, .weights = weights, .heads = heads, .beta = 2}, x, x.cols());
    });
  }
}

TEST(Spmm, TransposeWithTheEdgeMapIsTheAdjoint) {
  for (const int heads : {1, 4}) {
    const Csr32 a = random_csr(kRows, kColumns, kHub, kHubDegree, 21);
    const TransposedCsr t = naive_transpose(a, kColumns);
    const Matrix x = random_matrix(kColumns, 32, 22), y = random_matrix(kRows, 32, 23);
    const auto row = random_values(kRows, 24), col = random_values(kColumns, 25);
    const auto weights = random_values(a.m() * heads, 26);
    Matrix ax(kRows, 32), aty(kColumns, 32);
    spmm(Cpu{}, a, {.row_scale = row, .col_scale = col, .weights = weights, .heads = heads}, x, ax);
    spmm(Cpu{}, t.csr,
         {.row_scale = col, .col_scale = row, .weights = weights, .edge = t.edge, .heads = heads}, y, aty);
    const double left = inner_product(ax, y), right = inner_product(x, aty);
    EXPECT_NEAR(left, right, 1e-3 * std::max(1.0, std::abs(left)));
  }
}

TEST(Spmm, HasTheSameBitsForAnyNumberOfThreads) {
  const Csr32 a = random_csr(20000, 500, 777, 100000, 31);
  const Matrix x = random_matrix(500, 33, 32);
  Matrix one(20000, 33), two(20000, 33);
  {
    const ThreadLimit limit(1);
    spmm(Cpu{}, a, {}, x, one);
  }
  const ThreadLimit limit(2);
  spmm(Cpu{}, a, {}, x, two);
  EXPECT_TRUE(same_bits(one, two));
}

TEST(Spmm, OfSomeRowsEqualsThoseRowsAndLeavesTheOthers) {
  const Csr32 a = random_csr(3000, kColumns, 100, kHubDegree, 41);
  const Matrix x = random_matrix(kColumns, 20, 42);
  Matrix all(3000, 20), some(3000, 20, -7.0f);
  spmm(Cpu{}, a, {}, x, all);
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 0; i < 3000; ++i) {
    if (i % 7 < 3 || i == 100) rows.push_back(i);
  }
  spmm_rows(Cpu{}, a, rows, {}, x, some);
  spmm_rows(Cpu{}, a, {}, {}, x, some);
  std::size_t next = 0;
  for (std::int64_t i = 0; i < 3000; ++i) {
    const bool chosen = next < rows.size() && rows[next] == i;
    next += chosen;
    for (std::int64_t j = 0; j < 20; ++j) ASSERT_EQ(some(i, j), chosen ? all(i, j) : -7.0f) << i;
  }
}

TEST_P(SpmmWidths, OfStoredRowsIsThatOfTheDecodedOnes) {
  const std::int64_t d = GetParam();
  const Csr32 a = random_csr(kRows, kColumns, kHub, 9000, 31);
  const Matrix x = random_matrix(kColumns, d, 32);
  const auto row_scale = random_values(kRows, 33), col_scale = random_values(kColumns, 34),
             self_scale = random_values(kRows, 35);
  const SpmmScales scales{.row_scale = row_scale, .col_scale = col_scale, .self_scale = self_scale};
  for (const DType type : {DType::f32, DType::bf16, DType::f16, DType::i8}) {
    SCOPED_TRACE(name_of(type));
    std::vector<std::byte> stored(static_cast<std::size_t>(x.size()) * size_of(type));
    std::vector<float> factors(type == DType::i8 ? kColumns : 0);
    if (type == DType::f32) {
      std::memcpy(stored.data(), x.data(), stored.size());
    } else {
      encode_rows(Cpu{}, x, type, stored.data(), factors);
    }
    Matrix decoded(kColumns, d);
    decode_rows(Cpu{}, stored.data(), type, factors, decoded);
    const StoredRows rows(stored.data(), type, kColumns, d, factors);
    for_each_instruction_set([&] {
      Matrix y(kRows, d);
      spmm_stored(Cpu{}, a, scales, rows, y);
      for (std::int64_t i = 0; i < kRows; ++i) {
        for (std::int64_t j = 0; j < d; ++j) {
          const Expected want = expected(a, scales, decoded, 0, i, j);
          ASSERT_NEAR(y(i, j), want.value, 1e-5 * want.magnitude + 1e-30) << i << ' ' << j;
        }
      }
    });
  }
}

// What does not fit in the caches is written past them.
TEST(Spmm, OfALargeResultIsThatOfItsRowsInParts) {
  const std::int64_t n = 220000;
  const Csr32 a = random_csr(n, n, -1, 0, 11);
  const Matrix x = random_matrix(n, 64, 12);
  Matrix whole(n, 64), parts(n, 64);
  spmm(Cpu{}, a, {}, x, whole);
  std::vector<std::int32_t> rows[2];
  for (std::int32_t i = 0; i < n; ++i) rows[i % 7 == 0].push_back(i);
  for (std::size_t half = 0; half < rows[0].size(); half += rows[0].size() / 2)
    spmm_rows(Cpu{}, a, std::span(rows[0]).subspan(half, std::min(rows[0].size() / 2, rows[0].size() - half)),
              {}, x, parts);
  spmm_rows(Cpu{}, a, rows[1], {}, x, parts);
  EXPECT_TRUE(same_bits(whole, parts));
}

TEST(Spmm, AcceptsEmptyMatrices) {
  const Csr32 empty = random_csr(0, 1, -1, 0, 1);
  Matrix x(1, 4, 1.0f), y(0, 4);
  spmm(Cpu{}, empty, {}, x, y);
  const Csr32 isolated{Array<std::int64_t>{0, 0, 0}, {}};
  Matrix z(2, 4, 9.0f);
  spmm(Cpu{}, isolated, {}, x, z);
  for (const float value : z.span()) EXPECT_EQ(value, 0);
}

TEST(Spmm, RefusesShapesThatDoNotFit) {
  const Csr32 a = random_csr(5, 5, -1, 0, 1);
  Matrix x(5, 4, 1.0f), narrow(5, 3), y(5, 4);
  EXPECT_THROW(spmm(Cpu{}, a, {}, x, narrow), Error);
  const std::vector<float> short_scale(3);
  EXPECT_THROW(spmm(Cpu{}, a, {.row_scale = short_scale}, x, y), Error);
}

}  // namespace
}  // namespace kith
