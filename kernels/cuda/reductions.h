#pragma once
#include <cstdint>

#include "kith/kernels/cuda/staging.h"

namespace kith::cuda {

/// sums[j] = Σ_i a[i, j], in fp64, over fixed chunks of rows that are added in order. sums [cols], device.
void column_sums(Staging& call, Rows<const float> a, std::int64_t rows, std::int64_t cols, double* sums);
/// sums[j] = Σ_i a[i, j] · b[i, j].
void column_products(Staging& call, Rows<const float> a, Rows<const float> b, std::int64_t rows,
                     std::int64_t cols, double* sums);
/// Σ values, in a fixed order; waits for it.
double total(Staging& call, const double* values, std::int64_t count);

}  // namespace kith::cuda
