#pragma once
#include <cstdint>
#include <span>

#include "kith/core/tensor.h"
#include "kith/graph/csr.h"
#include "kith/kernels/backend.h"

namespace kith {

/// Attention whose two sides meet before the rectifier (GATv2, Brody et al. 2022). With z = own[i] +
/// other[c(e)], both [·, heads · d], and per head the score ⟨att, leaky_relu(z, slope)⟩.
struct AdditiveScores {
  ConstTensor own, other;      ///< the rows' and the columns' side
  std::span<const float> att;  ///< [heads · d]
  int heads = 1;
  float slope = 0.2f;
};

/// values[e, h] = the score of entry e. Rows as in kernels/attention.h: `rows` empty: all.
void additive_scores(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
                     const AdditiveScores& scores, std::span<float> values);
/// d_own[i] = Σ over row i's entries e of ds[edge[e]] · att ∘ leaky_relu'(z): on the transpose, with sides
/// exchanged and its `edge`, the gradient of the other side. An empty `edge`: ds[e].
void additive_scores_backward(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int64_t> edge,
                              const AdditiveScores& scores, std::span<const float> ds, Tensor d_own);
/// d_att = Σ over all entries of ds[e] · leaky_relu(z), in fp64, in fixed chunks of rows. [heads · d]
void attention_vector_backward(const Backend& on, CsrView<std::int32_t> a, const AdditiveScores& scores,
                               std::span<const float> ds, std::span<double> d_att);

/// values becomes its softmax over each row's entries, per head.
void row_softmax(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, int heads,
                 std::span<float> values);
/// dvalues[e] becomes alpha[e] · (dvalues[e] − Σ_row alpha ∘ dvalues).
void row_softmax_backward(const Backend& on, CsrView<std::int32_t> a, int heads, std::span<const float> alpha,
                          std::span<float> dvalues);

}  // namespace kith
