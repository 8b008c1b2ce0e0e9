#include "kith/kernels/loss.h"

#include "kernels/random_inputs.h"
#include <gtest/gtest.h>

namespace kith {
namespace {

using namespace test;

constexpr std::int64_t kRows = 700;

double naive_loss(ConstTensor logits, std::int64_t label, std::int64_t row) {
  double sum = 0;
  for (std::int64_t j = 0; j < logits.cols; ++j) sum += std::exp(static_cast<double>(logits(row, j)));
  return std::log(sum) - logits(row, label);
}

struct Problem {
  Matrix logits;
  std::vector<std::int64_t> labels;
  std::vector<std::int32_t> rows;
};
Problem random_problem(int classes) {
  Problem p{random_matrix(kRows, classes, 1), {}, {}};
  Random random(2);
  for (std::int32_t i = 0; i < kRows; ++i) {
    const bool chosen = i % 3 != 1;
    p.labels.push_back(chosen ? random.below(classes) : -1);
    if (chosen) p.rows.push_back(i);
  }
  return p;
}

class LossClasses : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Classes, LossClasses, testing::Values(1, 3, 32, 33, 128, 300));

TEST_P(LossClasses, IsTheDefinitionAndItsGradientAgreesWithFiniteDifferences) {
  Problem p = random_problem(GetParam());
  const float scale = 1.0f / 467;
  for_each_instruction_set([&] {
    Matrix gradient(kRows, GetParam(), NAN);
    const double loss = softmax_cross_entropy(Cpu{}, p.logits, p.labels, p.rows, scale, gradient);
    double want = 0;
    for (const std::int32_t row : p.rows) want += scale * naive_loss(p.logits, p.labels[row], row);
    EXPECT_NEAR(loss, want, 1e-6 * want + 1e-9);
    for (std::int64_t row = 0; row < kRows; ++row) {
      for (std::int64_t j = 0; j < GetParam(); ++j) {
        if (p.labels[row] < 0) {
          ASSERT_EQ(gradient(row, j), 0) << row;
        } else if (row % 50 == 0) {
          const float old = p.logits(row, j), step = 0x1p-12f;
          p.logits(row, j) = old + step;
          const double above = naive_loss(p.logits, p.labels[row], row), x1 = p.logits(row, j);
          p.logits(row, j) = old - step;
          const double below = naive_loss(p.logits, p.labels[row], row), x0 = p.logits(row, j);
          p.logits(row, j) = old;
          ASSERT_NEAR(gradient(row, j), scale * (above - below) / (x1 - x0), 2e-6 * scale) << row << ' ' << j;
        }
      }
    }
  });
}

TEST(SoftmaxCrossEntropy, DoesNotOverflow) {
  Matrix logits(1, 2), gradient(1, 2);
  logits(0, 0) = 5000;
  logits(0, 1) = -5000;
  const std::vector<std::int64_t> labels{1};
  const std::vector<std::int32_t> rows{0};
  EXPECT_DOUBLE_EQ(softmax_cross_entropy(Cpu{}, logits, labels, rows, 1, gradient), 10000);
  EXPECT_EQ(gradient(0, 0), 1);
  EXPECT_EQ(gradient(0, 1), -1);
}

TEST(SoftmaxCrossEntropy, RefusesALabelThatIsNoClass) {
  Matrix logits(1, 2, 0.0f), gradient(1, 2);
  const std::vector<std::int64_t> labels{2};
  const std::vector<std::int32_t> rows{0};
  EXPECT_THROW(softmax_cross_entropy(Cpu{}, logits, labels, rows, 1, gradient), Error);
}

TEST(SoftmaxCrossEntropy, HasTheSameBitsForAnyNumberOfThreads) {
  const Problem p = random_problem(33);
  const auto run = [&](int threads) {
    const ThreadLimit limit(threads);
    Matrix gradient(kRows, 33);
    return softmax_cross_entropy(Cpu{}, p.logits, p.labels, p.rows, 0.01f, gradient);
  };
  EXPECT_EQ(run(1), run(2));
}

TEST(CountCorrect, TakesTheSmallerClassOfEqualLogits) {
  Matrix logits(3, 3, 1.0f);
  logits(1, 2) = 2;
  const std::vector<std::int64_t> labels{0, 2, 1};
  const std::vector<std::int32_t> all{0, 1, 2}, last{2};
  EXPECT_EQ(count_correct(Cpu{}, logits, labels, all), 2);
  EXPECT_EQ(count_correct(Cpu{}, logits, labels, last), 0);
}

TEST_P(LossClasses, SigmoidIsTheDefinitionAndUnlabelledEntriesCountNothing) {
  const int classes = GetParam();
  const float scale = 1.0f / 467;
  Matrix logits = random_matrix(kRows, classes, 4), targets(kRows, classes);
  Random random(5);
  for (float& x : logits.span()) x *= random.below(10) == 0 ? 60.0f : 3.0f;
  for (float& t : targets.span()) t = random.below(4) == 0 ? NAN : static_cast<float>(random.below(2));
  const std::vector<std::int32_t> rows = random_problem(classes).rows;
  for_each_instruction_set([&] {
    Matrix gradient(kRows, classes, NAN);
    const double loss = sigmoid_cross_entropy(Cpu{}, logits, targets, rows, scale, gradient);
    double want = 0;
    for (const std::int32_t row : rows) {
      for (std::int64_t j = 0; j < classes; ++j) {
        const double x = logits(row, j), t = targets(row, j), sigmoid = 1 / (1 + std::exp(-x));
        if (std::isnan(t)) {
          ASSERT_EQ(gradient(row, j), 0) << row;
          continue;
        }
        want += scale * (std::max(x, 0.0) - t * x + std::log1p(std::exp(-std::abs(x))));
        ASSERT_NEAR(gradient(row, j), scale * (sigmoid - t), 1e-6 * scale) << row << ' ' << j;
      }
    }
    EXPECT_NEAR(loss, want, 1e-6 * want + 1e-9);
    for (std::int64_t row = 0; row < kRows; ++row) {
      if (std::binary_search(rows.begin(), rows.end(), static_cast<std::int32_t>(row))) continue;
      for (std::int64_t j = 0; j < classes; ++j) EXPECT_EQ(gradient(row, j), 0) << row;
    }
  });
}

}  // namespace
}  // namespace kith
