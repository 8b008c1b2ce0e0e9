#pragma once
#include "kith/core/array.h"
#include "kith/core/tensor.h"
#include "kith/graph/csr.h"
#include "kith/kernels/backend.h"

namespace kith {

/// The nonzeros of a dense [n, cols] matrix: words, tags and one-hot codes make features that are mostly
/// zeros.
struct SparseRows {
  Csr32 pattern;        ///< columns ascending within a row
  Array<float> values;  ///< [nnz], in the pattern's order
  std::int64_t cols = 0;
};

/// The share of nonzeros in a few evenly spaced rows; 1 for an empty matrix. O(1) rows.
double sampled_density(ConstTensor x);

/// O(n · cols), two passes. Throws MemoryError.
SparseRows nonzeros(const Backend& on, ConstTensor x);

/// y = x Wᵀ. W [out, cols], y [n, out]. O(nnz · out).
void sparse_product(const Backend& on, const SparseRows& x, ConstTensor w, Tensor y);
/// Its adjoint: dW = dyᵀ x + beta · dW.
void sparse_product_backward(const Backend& on, const SparseRows& x, ConstTensor dy, float beta, Tensor dw);

}  // namespace kith
