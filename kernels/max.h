#pragma once
#include <cstdint>
#include <span>

#include "kith/core/tensor.h"
#include "kith/graph/csr.h"
#include "kith/kernels/backend.h"

namespace kith {

/// Element-wise maximum over in-neighbours: y[i, j] = max over row i's entries e of x[c(e), j], 0 for a row
/// without entries; slots[i · d + j] = the position in the row of the entry it came from (ties: the smaller),
/// −1 without. `rows` (ascending, distinct; empty: all) are written only. O(nnz · d).
void row_maximum(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
                 ConstTensor x, Tensor y, std::span<std::int32_t> slots);

/// The adjoint: dx[c, j] = Σ over c's out-entries e, of row i, that were chosen of dy[i, j] (+ beta · dx[c,
/// j]). `t` is the transpose of `a` with its entries' places.
void row_maximum_backward(const Backend& on, CsrView<std::int32_t> a, const TransposedCsr& t,
                          std::span<const std::int32_t> slots, ConstTensor dy, float beta, Tensor dx);

}  // namespace kith
