#include "kith/kernels/optimiser.h"

#include "kernels/random_inputs.h"
#include <gtest/gtest.h>

namespace kith {
namespace {

using namespace test;

constexpr std::int64_t kSize = 40001;

/// Adam and AdamW as their papers write them, in double, with bias-corrected moments.
void reference_adam(const AdamStep& s, std::vector<double>& m, std::vector<double>& v, std::vector<double>& w,
                    const std::vector<float>& gradient) {
  for (std::size_t k = 0; k < w.size(); ++k) {
    double g = gradient[k];
    if (s.decoupled) {
      w[k] -= static_cast<double>(s.lr) * s.weight_decay * w[k];
    } else {
      g += s.weight_decay * w[k];
    }
    m[k] = s.beta1 * m[k] + (1.0 - s.beta1) * g;
    v[k] = s.beta2 * v[k] + (1.0 - s.beta2) * g * g;
    const double m_hat = m[k] / (1 - std::pow(static_cast<double>(s.beta1), s.t));
    const double v_hat = v[k] / (1 - std::pow(static_cast<double>(s.beta2), s.t));
    w[k] -= s.lr * m_hat / (std::sqrt(v_hat) + s.epsilon);
  }
}

TEST(Adam, EqualsAScalarReferenceForTenSteps) {
  for (const bool decoupled : {false, true}) {
    for_each_instruction_set([&] {
      auto w = random_values(kSize, 1);
      std::vector<float> m(w.size(), 0.0f), v(w.size(), 0.0f);
      std::vector<double> want(w.begin(), w.end()), want_m(w.size(), 0.0), want_v(w.size(), 0.0);
      for (int t = 1; t <= 10; ++t) {
        const AdamStep step{.lr = 0.01f, .weight_decay = 0.05f, .decoupled = decoupled, .t = t};
        const auto gradient = random_values(kSize, static_cast<std::uint32_t>(100 + t));
        adam(Cpu{}, step, gradient, m, v, w);
        reference_adam(step, want_m, want_v, want, gradient);
      }
      for (std::size_t k = 0; k < w.size(); ++k) ASSERT_NEAR(w[k], want[k], 2e-6) << k;
    });
  }
}

TEST(Sgd, IsMomentumDescentWhoseBufferStartsAsTheGradient) {
  for (const float momentum : {0.0f, 0.9f}) {
    for_each_instruction_set([&] {
      auto w = random_values(kSize, 2);
      std::vector<float> buffer(w.size(), NAN);
      std::vector<double> want(w.begin(), w.end()), want_buffer(w.size(), 0.0);
      for (int t = 0; t < 5; ++t) {
        const SgdStep step{.lr = 0.1f, .momentum = momentum, .weight_decay = 0.01f, .first = t == 0};
        const auto gradient = random_values(kSize, static_cast<std::uint32_t>(200 + t));
        sgd(Cpu{}, step, gradient, momentum == 0 ? std::span<float>{} : std::span<float>{buffer}, w);
        for (std::size_t k = 0; k < want.size(); ++k) {
          const double g = gradient[k] + static_cast<double>(0.01f) * want[k];
          want_buffer[k] = t == 0 ? g : momentum * want_buffer[k] + g;
          want[k] -= static_cast<double>(0.1f) * (momentum == 0 ? g : want_buffer[k]);
        }
      }
      for (std::size_t k = 0; k < w.size(); ++k) ASSERT_NEAR(w[k], want[k], 2e-6) << k;
    });
  }
}

TEST(Optimisers, RefuseUnequalLengths) {
  std::vector<float> three(3), four(4);
  EXPECT_THROW(adam(Cpu{}, {}, three, four, four, four), Error);
  EXPECT_THROW(sgd(Cpu{}, {}, three, {}, four), Error);
  EXPECT_THROW(sgd(Cpu{}, {.momentum = 0.9f}, four, three, four), Error);
}

}  // namespace
}  // namespace kith
