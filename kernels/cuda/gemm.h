#pragma once
#include <cstdint>
#include <string_view>

#include "kith/kernels/cuda/staging.h"
#include "kith/kernels/product_precision.h"

namespace kith::cuda {

/// Column-major, as BLAS has it: c [m, n] = op(a) [m, k] · op(b) [k, n] + beta · c, on the device.
struct Gemm {
  bool transposed_a = false, transposed_b = false;
  std::int64_t m = 0, n = 0, k = 0;
  const float* a = nullptr;
  std::int64_t lda = 0;
  const float* b = nullptr;
  std::int64_t ldb = 0;
  float beta = 0;
  float* c = nullptr;
  std::int64_t ldc = 0;
};

/// Of the products by cuBLASLt of this process, which drives one device.
ProductPrecision product_precision();
void set_product_precision(ProductPrecision precision);

/// By cuBLASLt. False where this host has no cuBLASLt or it has no way to do it.
bool gemm_by_cublas_lt(Staging& call, const Gemm& g);
/// By a kernel of our own: tiles in shared memory, long sums in pieces that are added in order.
void gemm_by_tiles(Staging& call, const Gemm& g);

/// The file that cuBLASLt was loaded from, or "" where there is none.
std::string_view cublas_lt_file();

}  // namespace kith::cuda
