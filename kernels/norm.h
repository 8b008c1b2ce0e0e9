#pragma once
#include <span>

#include "kith/core/tensor.h"
#include "kith/kernels/backend.h"

namespace kith {

/// sums[j] = Σ_i a[i, j] and sums[d + j] = Σ_i a[i, j] · b[i, j], in fp64, in fixed chunks of rows. sums [2
/// d].
void column_moments(const Backend& on, ConstTensor a, ConstTensor b, std::span<double> sums);

/// y[i, j] = p[j] · u[i, j] + q[j] · v[i, j] + r[j] + beta · y[i, j]. p, q, r [d]; an empty q: without v.
struct ColumnTerms {
  std::span<const float> p, q, r;
  float beta = 0;
};
void combine_columns(const Backend& on, const ColumnTerms& terms, ConstTensor u, ConstTensor v, Tensor y);

/// y[i] = (x[i] − mean_i) · inverse[i] with inverse[i] = 1 / √(variance_i + epsilon), the biased variance of
/// row i.
void standardise_rows(const Backend& on, ConstTensor x, float epsilon, Tensor y, std::span<float> inverse);
/// dx = inverse[i] · (dy − mean(dy[i]) − y · mean(dy[i] ∘ y[i])) + beta · dx, from the output y.
void standardise_rows_backward(const Backend& on, ConstTensor y, std::span<const float> inverse,
                               ConstTensor dy, float beta, Tensor dx);

}  // namespace kith
