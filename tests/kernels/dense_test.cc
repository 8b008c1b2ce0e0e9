#include "kith/kernels/dense.h"

#include "kernels/random_inputs.h"
#include <gtest/gtest.h>

namespace kith {
namespace {

using namespace test;

float at(ConstTensor x, Trans trans, std::int64_t i, std::int64_t j) {
  return trans == Trans::yes ? x(j, i) : x(i, j);
}

/// c[i, j] = Σ in double, by the definition.
void expect_product(std::int64_t m, std::int64_t k, std::int64_t n, Trans ta, Trans tb, float beta) {
  SCOPED_TRACE(testing::Message() << m << '×' << k << '×' << n << " beta " << beta);
  const bool flip_a = ta == Trans::yes, flip_b = tb == Trans::yes;
  const Matrix a_storage = random_matrix(flip_a ? k : m, (flip_a ? m : k) + 2, 1);
  const Matrix b_storage = random_matrix(flip_b ? n : k, (flip_b ? k : n) + 1, 2);
  const ConstTensor a(a_storage.data(), a_storage.rows(), a_storage.cols() - 2, a_storage.cols());
  const ConstTensor b(b_storage.data(), b_storage.rows(), b_storage.cols() - 1, b_storage.cols());
  Matrix c(m, n, beta == 0 ? NAN : 2.0f);
  matmul(Cpu{}, ta, a, tb, b, beta, c);
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double want = 2.0 * beta, magnitude = std::abs(want);
      for (std::int64_t l = 0; l < k; ++l) {
        const double term = static_cast<double>(at(a, ta, i, l)) * at(b, tb, l, j);
        want += term;
        magnitude += std::abs(term);
      }
      ASSERT_NEAR(c(i, j), want, 1e-5 * magnitude + 1e-30) << i << ' ' << j;
    }
  }
}

TEST(Matmul, IsTheSumOfProductsForEveryTransposition) {
  for (const Trans ta : {Trans::no, Trans::yes}) {
    for (const Trans tb : {Trans::no, Trans::yes}) {
      for (const float beta : {0.0f, 1.0f, 0.5f}) {
        expect_product(1, 1, 1, ta, tb, beta);
        expect_product(130, 33, 7, ta, tb, beta);
        expect_product(5, 0, 3, ta, tb, beta);
        expect_product(300, 65, 33, ta, tb, beta);
        for_each_instruction_set([&] { expect_product(151, 530, 131, ta, tb, beta); });
      }
    }
  }
}

TEST(Matmul, AddsPartialProductsOfLongSums) {
  for (const float beta : {0.0f, 1.0f}) expect_product(7, 20000, 5, Trans::yes, Trans::no, beta);
  expect_product(140, 9001, 3, Trans::yes, Trans::yes, 1);
}

TEST(Matmul, SumsRowsAsTheyStandForWidthsOfWholeVectors) {
  for (const int n : {16, 32, 48, 64, 80, 192})
    for_each_instruction_set([&] { expect_product(37, 700, n, Trans::yes, Trans::no, 0.5f); });
  expect_product(150, 9001, 128, Trans::yes, Trans::no, 1);
}

TEST(Matmul, HasTheSameBitsForAnyNumberOfThreads) {
  for (const int n : {24, 64}) {
    const Matrix a = random_matrix(50000, 40, 3), b = random_matrix(50000, n, 4);
    const auto run = [&](int threads) {
      const ThreadLimit limit(threads);
      Matrix c(40, n);
      matmul(Cpu{}, Trans::yes, a, Trans::no, b, 0, c);
      return c;
    };
    EXPECT_TRUE(same_bits(run(1), run(2))) << n;
  }
}

TEST(Matmul, HasTheSameBitsInRowBlocksForAnyNumberOfThreads) {
  const Matrix a = random_matrix(3000, 600, 3), b = random_matrix(77, 600, 4);
  const auto run = [&](int threads) {
    const ThreadLimit limit(threads);
    Matrix c(3000, 77);
    matmul(Cpu{}, Trans::no, a, Trans::yes, b, 0, c);
    return c;
  };
  EXPECT_TRUE(same_bits(run(1), run(2)));
}

TEST(Affine, IsTheProductPlusTheBiasWhateverItIsAddedTo) {
  for (const auto& [n, in, out] : {std::array{5, 3, 4}, {40, 0, 7}, {300, 65, 33}, {151, 530, 131}}) {
    const Matrix x = random_matrix(n, in, 1), w = random_matrix(out, in, 2), old = random_matrix(n, out, 3);
    const auto bias = random_values(out, 4);
    for_each_instruction_set([&] {
      for (const float beta : {0.0f, 1.0f}) {
        Matrix y(n, out, NAN), product(n, out);
        if (beta != 0) axpby(Cpu{}, 1, old, 0, y);
        affine(Cpu{}, x, w, bias, beta, y);
        matmul(Cpu{}, Trans::no, x, Trans::yes, w, 0, product);
        for (std::int64_t i = 0; i < n; ++i)
          for (std::int64_t j = 0; j < out; ++j)
            ASSERT_NEAR(y(i, j), product(i, j) + (beta == 0 ? 0 : old(i, j)) + bias[j], 1e-5)
                << n << ' ' << beta;
      }
    });
  }
}

TEST(Affine, WithoutABiasIsTheProductBitForBit) {
  const Matrix x = random_matrix(300, 65, 1), w = random_matrix(33, 65, 2);
  Matrix y(300, 33), product(300, 33);
  affine(Cpu{}, x, w, {}, 0, y);
  matmul(Cpu{}, Trans::no, x, Trans::yes, w, 0, product);
  EXPECT_TRUE(same_bits(y, product));
}

TEST(Affine, RefusesShapesThatDoNotFit) {
  Matrix x(3, 4, 1.0f), w(2, 4, 1.0f), y(3, 2), wide(3, 3);
  const std::vector<float> bias(3, 0.0f);
  EXPECT_THROW(affine(Cpu{}, x, w, {}, 0, wide), Error);
  EXPECT_THROW(affine(Cpu{}, x, w, bias, 0, y), Error);
}

TEST(Matmul, RefusesShapesThatDoNotFit) {
  Matrix a(3, 4, 1.0f), b(5, 2, 1.0f), c(3, 2);
  EXPECT_THROW(matmul(Cpu{}, Trans::no, a, Trans::no, b, 0, c), Error);
}

class DenseWidths : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Widths, DenseWidths, testing::Values(1, 3, 32, 33, 128, 300));

TEST_P(DenseWidths, BiasIsAddedToRowsAndItsGradientIsTheirSum) {
  const int d = GetParam();
  const std::int64_t n = 2500;
  const Matrix x = random_matrix(n, d, 5);
  const auto bias = random_values(d, 6);
  for_each_instruction_set([&] {
    Matrix y(n, d + 1);
    const Tensor view(y.data(), n, d, d + 1);
    axpby(Cpu{}, 1, x, 0, view);
    add_bias(Cpu{}, bias, view);
    std::vector<float> dbias(static_cast<std::size_t>(d), 10.0f);
    bias_backward(Cpu{}, view, 0.5f, dbias);
    for (int j = 0; j < d; ++j) {
      double want = 5;
      for (std::int64_t i = 0; i < n; ++i) {
        ASSERT_EQ(view(i, j), x(i, j) + bias[j]);
        want += view(i, j);
      }
      ASSERT_NEAR(dbias[j], want, 5e-3);
    }
  });
}

TEST_P(DenseWidths, ActivationsAreTheirDefinitions) {
  const Matrix x = random_matrix(77, GetParam(), 7);
  for_each_instruction_set([&] {
    Matrix r(77, GetParam()), e(77, GetParam());
    relu(Cpu{}, x, r);
    elu(Cpu{}, x, e);
    for (std::int64_t k = 0; k < x.size(); ++k) {
      const float v = x.data()[k];
      ASSERT_EQ(r.data()[k], v > 0 ? v : 0.0f);
      ASSERT_NEAR(e.data()[k], v > 0 ? v : std::expm1(static_cast<double>(v)), 3e-7);
    }
  });
}

TEST_P(DenseWidths, ActivationGradientsAgreeWithFiniteDifferences) {
  const Matrix x = random_matrix(31, GetParam(), 8), dy = random_matrix(31, GetParam(), 9);
  for_each_instruction_set([&] {
    Matrix r(31, GetParam()), e(31, GetParam());
    relu(Cpu{}, x, r);
    elu(Cpu{}, x, e);
    for (const float beta : {0.0f, 2.0f}) {
      Matrix dr(31, GetParam(), beta == 0 ? NAN : 1.0f), de(31, GetParam(), beta == 0 ? NAN : 1.0f);
      relu_backward(Cpu{}, r, dy, beta, dr);
      elu_backward(Cpu{}, e, dy, beta, de);
      for (std::int64_t k = 0; k < x.size(); ++k) {
        const double v = x.data()[k], h = 1e-6;
        if (std::abs(v) < 1e-4) continue;
        const auto f = [](double z) { return z > 0 ? z : std::exp(z) - 1; };
        const auto g = [](double z) { return z > 0 ? z : 0; };
        ASSERT_NEAR(de.data()[k], dy.data()[k] * (f(v + h) - f(v - h)) / (2 * h) + beta, 2e-6);
        ASSERT_NEAR(dr.data()[k], dy.data()[k] * (g(v + h) - g(v - h)) / (2 * h) + beta, 2e-6);
      }
    }
  });
}

TEST_P(DenseWidths, AxpbyIsALinearCombination) {
  const Matrix x = random_matrix(40, GetParam(), 10);
  for_each_instruction_set([&] {
    Matrix y(40, GetParam(), 3.0f), fresh(40, GetParam(), NAN);
    axpby(Cpu{}, 2, x, 0.5f, y);
    axpby(Cpu{}, 2, x, 0, fresh);
    for (std::int64_t k = 0; k < x.size(); ++k) {
      ASSERT_NEAR(y.data()[k], 2 * x.data()[k] + 1.5f, 1e-6);
      ASSERT_EQ(fresh.data()[k], 2 * x.data()[k]);
    }
  });
}

}  // namespace
}  // namespace kith
