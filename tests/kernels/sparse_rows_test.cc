#include "kith/kernels/sparse_rows.h"

#include "kernels/random_inputs.h"

#include "kith/kernels/dense.h"

namespace kith {
namespace {

using namespace test;

/// Rows with about `density` nonzeros; every fifth row and the last column have none.
Matrix mostly_zeros(std::int64_t rows, std::int64_t cols, double density, std::uint32_t seed) {
  Random random(seed);
  Matrix x(rows, cols, 0.0f);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j + 1 < cols; ++j)
      if (i % 5 != 3 && static_cast<double>(random.below(1000)) < 1000 * density) x(i, j) = random.value();
  return x;
}

void expect_near(ConstTensor got, ConstTensor want) {
  for (std::int64_t i = 0; i < want.rows; ++i)
    for (std::int64_t j = 0; j < want.cols; ++j) ASSERT_NEAR(got(i, j), want(i, j), 1e-4) << i << ' ' << j;
}

TEST(SparseRows, NonzerosAreTheMatrix) {
  for (const std::int64_t cols : {1, 3, 32, 33, 500}) {
    const Matrix x = mostly_zeros(100, cols, 0.1, 4);
    const SparseRows sparse = nonzeros(Cpu{}, x);
    Matrix back(x.rows(), x.cols(), 0.0f);
    for (std::int64_t i = 0; i < x.rows(); ++i) {
      for (std::int64_t e = sparse.pattern.indptr[i]; e < sparse.pattern.indptr[i + 1]; ++e) {
        ASSERT_NE(sparse.values[e], 0.0f);
        if (e > sparse.pattern.indptr[i]) {
          ASSERT_LT(sparse.pattern.indices[e - 1], sparse.pattern.indices[e]);
        }
        back(i, sparse.pattern.indices[e]) = sparse.values[e];
      }
    }
    for (std::int64_t i = 0; i < x.rows(); ++i)
      for (std::int64_t j = 0; j < cols; ++j) ASSERT_EQ(back(i, j), x(i, j));
  }
}

TEST(SparseRows, ProductAndItsAdjointAreTheDenseOnes) {
  for (const std::int64_t out : {1, 3, 33, 64, 128}) {
    for (const float beta : {0.0f, 1.0f, 0.5f}) {
      const Matrix x = mostly_zeros(211, 300, 0.05, 5);
      const Matrix w = random_matrix(out, 300, 6), dy = random_matrix(211, out, 7);
      const SparseRows sparse = nonzeros(Cpu{}, x);
      Matrix y(211, out), dense_y(211, out);
      sparse_product(Cpu{}, sparse, w, y);
      matmul(Cpu{}, Trans::no, x, Trans::yes, w, 0, dense_y);
      expect_near(y, dense_y);
      Matrix dw(out, 300, 2.0f), dense_dw(out, 300, 2.0f);
      sparse_product_backward(Cpu{}, sparse, dy, beta, dw);
      matmul(Cpu{}, Trans::yes, dy, Trans::no, x, beta, dense_dw);
      expect_near(dw, dense_dw);
    }
  }
}

TEST(SparseRows, TheSampledDensityIsThatOfTheMatrix) {
  EXPECT_NEAR(sampled_density(mostly_zeros(2000, 400, 0.1, 8)), 0.08, 0.01);
  EXPECT_EQ(sampled_density(Matrix(7, 5, 0.0f)), 0);
  EXPECT_EQ(sampled_density(Matrix(7, 5, 1.0f)), 1);
  EXPECT_EQ(sampled_density(Matrix(0, 5)), 1);
}

TEST(SparseRows, AnEmptyMatrixGivesZeros) {
  const SparseRows none = nonzeros(Cpu{}, Matrix(3, 200, 0.0f));
  Matrix y(3, 4, 1.0f), dw(4, 200, 1.0f);
  sparse_product(Cpu{}, none, random_matrix(4, 200, 1), y);
  sparse_product_backward(Cpu{}, none, random_matrix(3, 4, 2), 0, dw);
  for (const float value : y.span()) ASSERT_EQ(value, 0);
  for (const float value : dw.span()) ASSERT_EQ(value, 0);
}

}  // namespace
}  // namespace kith
