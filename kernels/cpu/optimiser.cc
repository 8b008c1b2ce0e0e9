#include "kith/kernels/cpu/optimiser.h"

#include <cmath>

#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/kernels/cpu/optimiser.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// One element's step reads and writes that element only; the compiler vectorises the loops for each
// instruction set. The factors that do not depend on the element are computed in double, as PyTorch does.
HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {

void adam_range(const AdamFactors& f, const float* HWY_RESTRICT gradient, float* HWY_RESTRICT m,
                float* HWY_RESTRICT v, float* HWY_RESTRICT w, std::int64_t count) {
  for (std::int64_t j = 0; j < count; ++j) {
    const float weight = w[j] * f.keep;
    const float g = gradient[j] + f.l2 * weight;
    m[j] = f.beta1 * m[j] + f.one_minus_beta1 * g;
    v[j] = f.beta2 * v[j] + f.one_minus_beta2 * (g * g);
    w[j] = weight - f.step_size * (m[j] / (std::sqrt(v[j]) / f.sqrt_correction + f.epsilon));
  }
}

void sgd_range(const SgdStep& s, const float* HWY_RESTRICT gradient, float* HWY_RESTRICT momentum,
               float* HWY_RESTRICT w, std::int64_t count) {
  if (s.momentum == 0) {
    for (std::int64_t j = 0; j < count; ++j) w[j] -= s.lr * (gradient[j] + s.weight_decay * w[j]);
    return;
  }
  const float keep = s.first ? 0.0f : s.momentum;
  for (std::int64_t j = 0; j < count; ++j) {
    const float g = gradient[j] + s.weight_decay * w[j];
    // The first step must not read a buffer nobody has written.
    const float before = s.first ? 0.0f : momentum[j];
    momentum[j] = keep * before + g;
    w[j] -= s.lr * momentum[j];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith {
namespace {
HWY_EXPORT(adam_range);
HWY_EXPORT(sgd_range);
constexpr std::int64_t kGrain = 1 << 14;
}  // namespace

void adam(Cpu, const AdamStep& s, std::span<const float> gradient, std::span<float> m, std::span<float> v,
          std::span<float> weights) {
  const double t = static_cast<double>(s.t);
  const double correction1 = 1 - std::pow(static_cast<double>(s.beta1), t);
  const double correction2 = 1 - std::pow(static_cast<double>(s.beta2), t);
  const AdamFactors f{.beta1 = s.beta1,
                      .beta2 = s.beta2,
                      .one_minus_beta1 = static_cast<float>(1.0 - s.beta1),
                      .one_minus_beta2 = static_cast<float>(1.0 - s.beta2),
                      .l2 = s.decoupled ? 0.0f : s.weight_decay,
                      .keep = s.decoupled ? 1.0f - s.lr * s.weight_decay : 1.0f,
                      .step_size = static_cast<float>(s.lr / correction1),
                      .sqrt_correction = static_cast<float>(std::sqrt(correction2)),
                      .epsilon = s.epsilon};
  parallel_for(0, static_cast<std::int64_t>(weights.size()), kGrain,
               [&](std::int64_t begin, std::int64_t end) {
                 HWY_DYNAMIC_DISPATCH(adam_range)
                 (f, &gradient[begin], &m[begin], &v[begin], &weights[begin], end - begin);
               });
}

void sgd(Cpu, const SgdStep& s, std::span<const float> gradient, std::span<float> momentum,
         std::span<float> weights) {
  parallel_for(0, static_cast<std::int64_t>(weights.size()), kGrain,
               [&](std::int64_t begin, std::int64_t end) {
                 float* buffer = momentum.empty() ? nullptr : &momentum[begin];
                 HWY_DYNAMIC_DISPATCH(sgd_range)(s, &gradient[begin], buffer, &weights[begin], end - begin);
               });
}

}  // namespace kith
#endif
