#pragma once
#include <cstdint>
#include <span>

#include "kith/kernels/backend.h"

namespace kith {

/// One step over one parameter, in place. Weight decay is L2 in the gradient for Adam and SGD, decoupled for
/// AdamW.
struct AdamStep {
  float lr = 1e-3f, beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f, weight_decay = 0;
  bool decoupled = false;  ///< AdamW (Loshchilov & Hutter 2019)
  std::int64_t t = 1;      ///< this step's number, from 1
};
/// Adam (Kingma & Ba 2015), the update torch.optim.Adam makes.
void adam(const Backend& on, const AdamStep& step, std::span<const float> gradient, std::span<float> m,
          std::span<float> v, std::span<float> weights);

struct SgdStep {
  float lr = 1e-2f, momentum = 0, weight_decay = 0;
  bool first = true;  ///< the momentum buffer starts as the gradient
};
void sgd(const Backend& on, const SgdStep& step, std::span<const float> gradient, std::span<float> momentum,
         std::span<float> weights);

}  // namespace kith
