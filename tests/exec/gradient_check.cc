#include "exec/gradient_check.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "kith/core/philox.h"

namespace kith::test {

Tape training_tape() { return Tape({.mode = Mode::training, .seed = 7, .step = 3}); }

Matrix random_matrix(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
  Matrix matrix(rows, cols);
  for (std::int64_t i = 0; i < matrix.size(); ++i) {
    const PhiloxWords words = draw_words(philox_key(seed, Stream::generate), StoreId{i}, 0, 0);
    const float size = 0.1f + 0.9f * unit_float(words[0]);
    matrix.data()[i] = words[1] % 2 == 0 ? size : -size;
  }
  return matrix;
}

void set_random(Parameter& parameter, std::uint64_t seed) {
  const Matrix values = random_matrix(parameter.value.rows(), parameter.value.cols(), seed);
  std::copy_n(values.data(), values.size(), parameter.value.data());
}

double dot(ConstTensor a, ConstTensor b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < a.cols; ++j) sum += static_cast<double>(a(i, j)) * b(i, j);
  return sum;
}

namespace {

/// L, and with `gradients` its gradient.
double loss(const Parameters& parameters, const Composition& compose, ParameterGradients* gradients) {
  Tape tape = training_tape();
  const Var y = compose(tape, parameters);
  Matrix r = random_matrix(y.rows(), y.cols(), 1234);
  const double value = dot(y.value(), r);
  if (gradients != nullptr) std::move(tape).backward(y, std::move(r), *gradients);
  return value;
}

}  // namespace

void expect_gradients(Parameters& parameters, const Composition& compose, const char* what) {
  // fp32 differences: the truncation error falls with the square of the step, the rounding error with its
  // inverse.
  constexpr float kStep = 1.0f / 128;
  ParameterGradients gradients(parameters);
  loss(parameters, compose, &gradients);
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    const ConstTensor gradient = std::as_const(gradients).of(p);
    double norm = 0, distance = 0;
    for (std::int64_t i = 0; i < gradient.size(); ++i) {
      float& element = parameters[p].value.data()[i];
      const float kept = element;
      element = kept + kStep;
      const double above = loss(parameters, compose, nullptr);
      element = kept - kStep;
      const double below = loss(parameters, compose, nullptr);
      element = kept;
      const double difference = (above - below) / (2 * kStep);
      EXPECT_NEAR(gradient.data[i], difference, 2e-3 * std::max(1.0, std::abs(difference)))
          << what << ": " << parameters[p].name << " element " << i;
      norm += difference * difference;
      distance += std::pow(gradient.data[i] - difference, 2);
    }
    EXPECT_GT(norm, 0) << what << ": " << parameters[p].name << " must matter";
    EXPECT_LT(std::sqrt(distance / norm), 5e-4) << what << ": " << parameters[p].name;
  }
}

}  // namespace kith::test
