#include "kith/kernels/optimiser.h"

#include "kith/core/error.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"

namespace kith {

void adam(const Backend& on, const AdamStep& step, std::span<const float> gradient, std::span<float> m,
          std::span<float> v, std::span<float> weights) {
  require(gradient.size() == weights.size() && m.size() == weights.size() && v.size() == weights.size(),
          "adam: gradient, moments and weights are equally long",
          {{"gradient", gradient.size()}, {"m", m.size()}, {"v", v.size()}, {"weights", weights.size()}});
  require(step.t >= 1, "adam: steps count from 1", {{"t", step.t}});
  dispatch([&](auto backend) { adam(backend, step, gradient, m, v, weights); }, on);
}

void sgd(const Backend& on, const SgdStep& step, std::span<const float> gradient, std::span<float> momentum,
         std::span<float> weights) {
  require(gradient.size() == weights.size(), "sgd: gradient and weights are equally long",
          {{"gradient", gradient.size()}, {"weights", weights.size()}});
  require(step.momentum == 0 || momentum.size() == weights.size(),
          "sgd: the momentum is as long as the weights",
          {{"momentum", momentum.size()}, {"weights", weights.size()}});
  dispatch([&](auto backend) { sgd(backend, step, gradient, momentum, weights); }, on);
}

}  // namespace kith
