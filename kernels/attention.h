#pragma once
#include <cstdint>
#include <span>

#include "kith/core/philox.h"
#include "kith/core/tensor.h"
#include "kith/graph/csr.h"
#include "kith/kernels/backend.h"

namespace kith {

/// Edge-valued arrays are [m, heads], in the order of the CSR's entries. `rows` empty: all rows.

/// SDDMM (dot form), per head: out[e, h] = ⟨u[i, h, :], v[c(e), h, :]⟩ for entry e of row i;
/// u [n, heads · d], v [columns, heads · d].
void sddmm_dot(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, int heads,
               ConstTensor u, ConstTensor v, std::span<float> out);

/// GAT's attention (Veličković et al. 2018), per head, for entry e of row i:
///   s[e] = leaky_relu(left[i] + right[c(e)], slope),  alpha[e] = exp(s[e] − max_row s) / Σ_row exp(s − max)
/// left [n, heads] (destinations), right [columns, heads] (sources). Rows without entries get nothing.
void edge_softmax(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
                  ConstTensor left, ConstTensor right, float slope, std::span<float> alpha);

/// The gradient of edge_softmax for given dalpha (overwritten by ds, the gradient of left[i] + right[c(e)]
/// before the rectifier), and dleft[i] = Σ_e ds[e] (+ beta · dleft).
void edge_softmax_backward(const Backend& on, CsrView<std::int32_t> a, ConstTensor left, ConstTensor right,
                           float slope, std::span<const float> alpha, std::span<float> dalpha, Tensor dleft,
                           float beta);

/// y[i, h] = Σ over row i's entries e of values[edge[e], h] + beta · y[i, h]: on the transposed CSR this is
/// dright.
void sum_edges(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int64_t> edge,
               std::span<const float> values, Tensor y, float beta);

/// values[e, h] is multiplied by mask/(1 − p), mask drawn from (destination's store id, step,
/// draw = slot · heads + head), slot = position of e in its row. The word used is draw_words(…, draw /
/// 4)[draw % 4], kept when word ≥ p · 2³². Backward is the same call on the gradient.
struct EdgeDropout {
  float p = 0;
  PhiloxKey key;
  std::uint32_t step = 0;
  std::span<const StoreId> destinations;  ///< [n]
  /// [m] the slots of entries, where rows hold only some of their destination's; empty: their positions. On a
  /// CPU, in fused_attention.h alone.
  std::span<const std::int32_t> slots = {};
};
void edge_dropout(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, int heads,
                  const EdgeDropout& dropout, std::span<float> values);

}  // namespace kith
