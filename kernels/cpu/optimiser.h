#pragma once

namespace kith {

/// What an Adam step has in common for all elements.
struct AdamFactors {
  float beta1, beta2, one_minus_beta1, one_minus_beta2;
  float l2;               ///< weight decay added to the gradient
  float keep;             ///< factor of the weights when weight decay is decoupled
  float step_size;        ///< lr / (1 − beta1^t)
  float sqrt_correction;  ///< √(1 − beta2^t)
  float epsilon;
};

}  // namespace kith
