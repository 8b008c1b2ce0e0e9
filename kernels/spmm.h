#pragma once
#include <cstdint>
#include <span>

#include "kith/core/dtype.h"
#include "kith/core/tensor.h"
#include "kith/graph/csr.h"
#include "kith/kernels/backend.h"

namespace kith {

/// Σ is over row i's stored entries e with column c(e):
///
///   y[i] = row_scale[i] · Σ_e w[e] · col_scale[c(e)] · x[c(e)]  +  self_scale[i] · x[i]  +  beta · y[i]
///
/// An empty span means "all ones" (for self_scale: no self term; it may also be shorter than the rows: rows
/// behind its end have none). Mean is row_scale = 1/degree; GCN (Kipf & Welling 2017) is row_scale =
/// col_scale = d^-1/2, self_scale = 1/d. The transpose is the same kernel on the transposed CSR with
/// row_scale and col_scale swapped and `edge` mapping its entries to the original's weights.
struct SpmmScales {
  std::span<const float> row_scale;    ///< [n]
  std::span<const float> col_scale;    ///< [columns]
  std::span<const float> self_scale;   ///< [≤ n]
  std::span<const float> weights;      ///< [m, heads]: edge weights
  std::span<const std::int64_t> edge;  ///< [m]: entry e uses weights[edge[e]]; empty: weights[e]
  int heads = 1;  ///< with weights: x and y are [·, heads · d], head h uses weights[e, h]
  float beta = 0;
};

/// Rows of x as they are stored: bf16 and fp16 halve the bytes an aggregation reads, int8 with a scale a row
/// quarters them. Sums stay fp32. Rows are `stride` elements apart.
struct StoredRows {
  const void* data = nullptr;
  DType type = DType::f32;  ///< f32, bf16, f16 or i8
  std::int64_t rows = 0, cols = 0, stride = 0;
  std::span<const float> scales = {};  ///< [rows] for i8, else empty: a row is scales[i] · its elements

  StoredRows() = default;
  StoredRows(const void* d, DType t, std::int64_t r, std::int64_t c, std::span<const float> s = {})
      : data(d), type(t), rows(r), cols(c), stride(c), scales(s) {}
  StoredRows(ConstTensor x) : data(x.data), rows(x.rows), cols(x.cols), stride(x.stride) {}
};

/// The formula above for all rows, or for `rows` (ascending, distinct) only; other rows of y are untouched.
/// A [n, columns], x [columns, d], y [n, d]. O(nnz d). Deterministic: a row's sum is taken in entry order
/// (rows longer than a fixed bound in fixed pieces), whatever the threads; backends agree to 1e-5 · Σ|aᵢxᵢ|.
void spmm(const Backend& on, CsrView<std::int32_t> a, const SpmmScales& scales, ConstTensor x, Tensor y);
void spmm_rows(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
               const SpmmScales& scales, ConstTensor x, Tensor y);
/// The same over stored rows. No edge weights.
void spmm_stored(const Backend& on, CsrView<std::int32_t> a, const SpmmScales& scales, const StoredRows& x,
                 Tensor y);

}  // namespace kith
