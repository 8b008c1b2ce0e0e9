#include "kith/kernels/attention.h"

#include "kernels/random_inputs.h"
#include <gtest/gtest.h>

namespace kith {
namespace {

using namespace test;

constexpr std::int64_t kRows = 50, kColumns = 40, kHub = 9, kHubDegree = 12000;
constexpr float kSlope = 0.2f;

double score(ConstTensor left, ConstTensor right, std::int64_t i, std::int64_t c, std::int64_t h) {
  const double z = static_cast<double>(left(i, h)) + right(c, h);
  return z > 0 ? z : kSlope * z;
}

/// α[e, h] without a shift, in double, by the definition.
std::vector<double> naive_softmax(CsrView<std::int32_t> a, ConstTensor left, ConstTensor right) {
  std::vector<double> alpha(static_cast<std::size_t>(a.m() * left.cols));
  for (std::int64_t h = 0; h < left.cols; ++h) {
    for (std::int64_t i = 0; i < a.n(); ++i) {
      double sum = 0;
      for (std::int32_t c : a.row(i)) sum += std::exp(score(left, right, i, c, h));
      for (std::int64_t e = a.indptr[i]; e < a.indptr[i + 1]; ++e) {
        alpha[e * left.cols + h] = std::exp(score(left, right, i, a.indices[e], h)) / sum;
      }
    }
  }
  return alpha;
}

TEST(SddmmDot, IsTheInnerProductOfBothEnds) {
  const Csr32 a = random_csr(kRows, kColumns, kHub, kHubDegree, 1);
  for (const auto& [heads, width] : {std::pair{1, 1}, {1, 3}, {2, 32}, {1, 33}, {3, 11}, {8, 16}, {1, 300}}) {
    const Matrix u = random_matrix(kRows, heads * width, 2), v = random_matrix(kColumns, heads * width, 3);
    for_each_instruction_set([&] {
      std::vector<float> out(static_cast<std::size_t>(a.m() * heads), NAN);
      sddmm_dot(Cpu{}, a, {}, heads, u, v, out);
      for (std::int64_t i = 0; i < kRows; ++i) {
        for (std::int64_t e = a.indptr[i]; e < a.indptr[i + 1]; ++e) {
          for (int h = 0; h < heads; ++h) {
            double want = 0;
            for (int j = h * width; j < (h + 1) * width; ++j) {
              want += static_cast<double>(u(i, j)) * v(a.indices[e], j);
            }
            ASSERT_NEAR(out[e * heads + h], want, 1e-5 * width);
          }
        }
      }
    });
  }
}

class EdgeSoftmaxHeads : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Heads, EdgeSoftmaxHeads, testing::Values(1, 3, 8, 33));

TEST_P(EdgeSoftmaxHeads, IsTheDefinition) {
  const Csr32 a = random_csr(kRows, kColumns, kHub, kHubDegree, 4);
  const Matrix left = random_matrix(kRows, GetParam(), 5), right = random_matrix(kColumns, GetParam(), 6);
  const std::vector<double> want = naive_softmax(a, left, right);
  for_each_instruction_set([&] {
    std::vector<float> alpha(want.size(), NAN);
    edge_softmax(Cpu{}, a, {}, left, right, kSlope, alpha);
    for (std::size_t k = 0; k < want.size(); ++k) ASSERT_NEAR(alpha[k], want[k], 2e-6 * want[k]) << k;
  });
}

TEST_P(EdgeSoftmaxHeads, OfSomeRowsTouchesOnlyTheirEntries) {
  const int heads = GetParam();
  const Csr32 a = random_csr(kRows, kColumns, -1, 0, 7);
  const Matrix left = random_matrix(kRows, heads, 8), right = random_matrix(kColumns, heads, 9);
  std::vector<float> all(static_cast<std::size_t>(a.m() * heads)), some(all.size(), -1.0f);
  edge_softmax(Cpu{}, a, {}, left, right, kSlope, all);
  const std::vector<std::int32_t> rows{2, 4, 5, 30};
  edge_softmax(Cpu{}, a, rows, left, right, kSlope, some);
  for (std::int32_t i = 0; i < kRows; ++i) {
    const bool chosen = std::find(rows.begin(), rows.end(), i) != rows.end();
    for (std::int64_t k = a.indptr[i] * heads; k < a.indptr[i + 1] * heads; ++k) {
      ASSERT_EQ(some[k], chosen ? all[k] : -1.0f);
    }
  }
}

TEST(EdgeSoftmax, DoesNotOverflow) {
  const Csr32 a{Array<std::int64_t>{0, 2}, Array<std::int32_t>{0, 1}};
  Matrix left(1, 1, 500.0f), right(2, 1, 500.0f);
  std::vector<float> alpha(2);
  edge_softmax(Cpu{}, a, {}, left, right, kSlope, alpha);
  EXPECT_FLOAT_EQ(alpha[0], 0.5f);
  EXPECT_FLOAT_EQ(alpha[1], 0.5f);
}

/// f(left, right) = Σ g · α, whose gradient at α is g.
double objective(CsrView<std::int32_t> a, ConstTensor left, ConstTensor right, const std::vector<float>& g) {
  const auto alpha = naive_softmax(a, left, right);
  double sum = 0;
  for (std::size_t k = 0; k < g.size(); ++k) sum += alpha[k] * g[k];
  return sum;
}

TEST_P(EdgeSoftmaxHeads, BackwardAgreesWithFiniteDifferences) {
  const int heads = GetParam();
  const Csr32 a = random_csr(12, 10, -1, 0, 14);
  Matrix left = random_matrix(12, heads, 15), right = random_matrix(10, heads, 16);
  // left + right is an odd multiple of 1/32: no step crosses the rectifier's kink.
  for (float& value : left.span()) value = std::floor(value * 16) / 16;
  for (float& value : right.span()) value = std::floor(value * 16) / 16 + 1.0f / 32;
  const auto g = random_values(a.m() * heads, 17);
  std::vector<float> alpha(g.size()), ds = g;
  Matrix dleft(12, heads, 3.0f), dright(10, heads, NAN);
  edge_softmax(Cpu{}, a, {}, left, right, kSlope, alpha);
  edge_softmax_backward(Cpu{}, a, left, right, kSlope, alpha, ds, dleft, 1);
  const TransposedCsr t = naive_transpose(a, 10);
  sum_edges(Cpu{}, t.csr, t.edge, ds, dright, 0);
  const auto slope_at = [&](float& value) {
    // A step that is exact in fp32; both sides in double. Far from the rectifier's kink it is accurate to
    // 1e-5.
    const float old = value, step = 0x1p-10f;
    value = old + step;
    const double above = objective(a, left, right, g), x1 = value;
    value = old - step;
    const double below = objective(a, left, right, g), x0 = value;
    value = old;
    return (above - below) / (x1 - x0);
  };
  for (std::int64_t k = 0; k < left.size(); ++k) {
    ASSERT_NEAR(dleft.data()[k] - 3.0f, slope_at(left.data()[k]), 1e-5) << "left " << k;
  }
  for (std::int64_t k = 0; k < right.size(); ++k) {
    ASSERT_NEAR(dright.data()[k], slope_at(right.data()[k]), 1e-5) << "right " << k;
  }
}

TEST(SumEdges, AddsTheValuesOfARowOnceToBetaTimesTheOld) {
  const Csr32 a = random_csr(kRows, kColumns, kHub, kHubDegree, 18);
  const auto values = random_values(a.m() * 3, 19);
  Matrix y(kRows, 3, 1.0f);
  sum_edges(Cpu{}, a, {}, values, y, 2);
  for (std::int64_t i = 0; i < kRows; ++i) {
    for (std::int64_t h = 0; h < 3; ++h) {
      double want = 2;
      for (std::int64_t e = a.indptr[i]; e < a.indptr[i + 1]; ++e) want += values[e * 3 + h];
      ASSERT_NEAR(y(i, h), want, 1e-5 * (2 + static_cast<double>(a.view().degree(i))));
    }
  }
}

TEST(EdgeSoftmax, HasTheSameBitsForAnyNumberOfThreads) {
  const Csr32 a = random_csr(20000, kColumns, 50, kHubDegree, 20);
  const Matrix left = random_matrix(20000, 4, 21), right = random_matrix(kColumns, 4, 22);
  const auto run = [&](int threads) {
    const ThreadLimit limit(threads);
    std::vector<float> alpha(static_cast<std::size_t>(a.m() * 4)), ds = random_values(a.m() * 4, 23);
    Matrix dleft(20000, 4);
    edge_softmax(Cpu{}, a, {}, left, right, kSlope, alpha);
    edge_softmax_backward(Cpu{}, a, left, right, kSlope, alpha, ds, dleft, 0);
    ds.insert(ds.end(), alpha.begin(), alpha.end());
    return ds;
  };
  const auto one = run(1), two = run(2);
  EXPECT_EQ(std::memcmp(one.data(), two.data(), one.size() * sizeof(float)), 0);
}

}  // namespace
}  // namespace kith
