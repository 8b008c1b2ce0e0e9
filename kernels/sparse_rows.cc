// A product with a sparse left side is an aggregation (kernels/spmm.h): row i of x Wᵀ is the sum of the rows
// of Wᵀ that x's nonzeros name, weighted by them. Backward, Wᵀ's gradient is the same sum over the transpose
// of x.
#include "kith/kernels/sparse_rows.h"

#include <algorithm>

#include "kith/graph/builders.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"
#include "kith/kernels/spmm.h"

namespace kith {
namespace {

constexpr std::int64_t kSampledRows = 64;

}  // namespace

double sampled_density(ConstTensor x) {
  if (x.rows == 0 || x.cols == 0) return 1;
  const std::int64_t step = std::max<std::int64_t>(x.rows / kSampledRows, 1);
  std::int64_t rows = 0, found = 0;
  for (std::int64_t i = 0; i < x.rows; i += step, ++rows)
    found += x.cols - std::count(x.row(i), x.row(i) + x.cols, 0.0f);
  return static_cast<double>(found) / static_cast<double>(rows * x.cols);
}

SparseRows nonzeros(const Backend& on, ConstTensor x) {
  return dispatch([&](auto backend) { return nonzeros(backend, x); }, on);
}

void sparse_product(const Backend& on, const SparseRows& x, ConstTensor w, Tensor y) {
  require(w.cols == x.cols && y.rows == x.pattern.n() && y.cols == w.rows,
          "sparse_product: w holds [out, cols], y [n, out]",
          {{"w.rows", w.rows}, {"w.cols", w.cols}, {"cols", x.cols}, {"y.rows", y.rows}, {"y.cols", y.cols}});
  Matrix w_transposed(w.cols, w.rows);
  dispatch([&](auto backend) { transpose(backend, w, 0, w_transposed); }, on);
  spmm(on, x.pattern, {.weights = x.values.span()}, w_transposed, y);
}

void sparse_product_backward(const Backend& on, const SparseRows& x, ConstTensor dy, float beta, Tensor dw) {
  require(dw.cols == x.cols && dw.rows == dy.cols && dy.rows == x.pattern.n(),
          "sparse_product_backward: dy holds [n, out], dw [out, cols]",
          {{"dw.rows", dw.rows},
           {"dw.cols", dw.cols},
           {"cols", x.cols},
           {"dy.rows", dy.rows},
           {"dy.cols", dy.cols}});
  const TransposedCsr by_column = transposed_with_edges(x.pattern.view(), x.cols);
  Matrix dw_transposed(dw.cols, dw.rows);
  spmm(on, by_column.csr, {.weights = x.values.span(), .edge = by_column.edge.span()}, dy, dw_transposed);
  dispatch([&](auto backend) { transpose(backend, dw_transposed, beta, dw); }, on);
}

}  // namespace kith
