#pragma once
#include <cstdint>
#include <span>

#include "kith/core/tensor.h"
#include "kith/graph/csr.h"
#include "kith/kernels/additive_attention.h"
#include "kith/kernels/attention.h"
#include "kith/kernels/backend.h"

namespace kith {

/// Attention in one sweep over each row's entries, with nothing kept or made per entry. Per head, with the
/// scores s of GAT or of GATv2,
///   log_sums[i] = log Σ_row exp s[e],  α[e] = exp(s[e] − log_sums[i]),  y[i] = Σ_row mask(e) α[e] x[c(e)],
/// where mask is that of edge_dropout. The softmax is taken online (Milakov & Gimelshein 2018), and the
/// backward pass makes α and the mask again from log_sums and the key (Dao et al. 2022). Deterministic: a
/// row's sums are taken in entry order, in fixed blocks, whatever the threads. The unfused kernels of
/// attention.h and additive_attention.h compute the same.
struct Attended {
  Tensor y;         ///< [n, heads · d]; zeros for rows without entries
  Tensor log_sums;  ///< [n, heads]; 0 for rows without entries
};
/// What the backward pass starts from.
struct AttendedGradient {
  ConstTensor dy, log_sums;
  /// [n, heads] ⟨dy, y⟩ per head where rows hold only some of their destination's entries, y being of all of
  /// them; no data: the rows are whole. On a CPU alone.
  ConstTensor inner = {};
};

/// GAT (Veličković et al. 2018): s[e] = leaky_relu(left[i] + right[c(e)], slope), 0 ≤ slope ≤ 1.
struct GatAttention {
  ConstTensor left, right;  ///< [n, heads], [columns, heads]
  ConstTensor x;            ///< [columns, heads · d]
  float slope = 0.2f;
  EdgeDropout dropout;  ///< p = 0: none
};
struct GatGradients {
  Tensor dleft, dright;
  Tensor dx;       ///< no data: not wanted
  float beta = 0;  ///< of dx
  /// Where left = ⟨a_dst, x⟩ and right = ⟨a_src, x⟩ per head, [heads · d]: dx gets what comes through them
  /// too.
  std::span<const float> a_dst, a_src;
};
/// Rows as in attention.h: `rows` empty: all.
void attend(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
            const GatAttention& attention, const Attended& out);
/// `transpose` is that of `a`, with its `edge` where there is dropout.
void attend_backward(const Backend& on, CsrView<std::int32_t> a, const TransposedCsr& transpose,
                     const GatAttention& attention, const AttendedGradient& of,
                     const GatGradients& gradients);

/// GATv2 (Brody et al. 2022): scores as in additive_attention.h, 0 ≤ slope ≤ 1, and x = scores.other.
struct GatV2Attention {
  AdditiveScores scores;
  EdgeDropout dropout;
};
/// What has no data is not wanted.
struct GatV2Gradients {
  Tensor d_own, d_other;
  float own_beta = 0, other_beta = 0;
  std::span<double> d_att;  ///< [heads · d], overwritten
};
void attend(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
            const GatV2Attention& attention, const Attended& out);
void attend_backward(const Backend& on, CsrView<std::int32_t> a, const TransposedCsr& transpose,
                     const GatV2Attention& attention, const AttendedGradient& of,
                     const GatV2Gradients& gradients);

}  // namespace kith
