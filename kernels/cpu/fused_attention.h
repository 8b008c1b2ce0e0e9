#pragma once
#include <cstdint>
#include <span>

#include "kith/core/tensor.h"
#include "kith/kernels/attention.h"
#include "kith/kernels/cpu/dropout.h"
#include "kith/kernels/cpu/row_sweep.h"

namespace kith {

/// What a sweep of attention reads. `a` is the matrix whose rows are swept: the graph's, or its transpose.
struct AttentionSweep {
  CsrView<std::int32_t> a;
  std::span<const std::int32_t> rows;
  std::int64_t heads = 1, width = 1;  ///< numbers of a head
  float slope = 0;
  ConstTensor own, other;      ///< the scores' side of the swept rows, and of the columns
  const float* att = nullptr;  ///< GATv2's; null: GAT's scores, one number a head and side
  ConstTensor x;               ///< what is summed, by column; in the transpose by row

  bool drops = false;
  DropoutMask mask;
  std::span<const StoreId> destinations;  ///< of the draws
  std::span<const std::int32_t> slots;    ///< of the graph's entries, in its order; empty: their positions
};

/// y[i] = Σ dropped α x, and log_sums[i].
struct AttentionForward {
  AttentionSweep sweep;
  Tensor y, log_sums;
};

/// The gradient of the destinations' side, and what the other sweep needs of a destination, which are its
/// facts: left (GAT alone), log_sums, D = Σ_e α dα; [heads] each.
struct AttentionRowGradients {
  AttentionSweep sweep;
  ConstTensor dy, log_sums;
  Tensor facts;
  Tensor d_own;
  float beta = 0;          ///< of d_own
  ConstTensor inner = {};  ///< D where the swept rows are not whole
};

/// The gradient of the sources' side, over the transpose: rows are sources, columns are destinations.
struct AttentionColumnGradients {
  AttentionSweep sweep;
  std::span<const std::int64_t> edge, indptr;  ///< where an entry stands in the graph, whose indptr it is
  ConstTensor dy, facts;
  Tensor d_own;    ///< GAT's dright
  Tensor dx;       ///< GATv2: d_other
  float beta = 0;  ///< of dx
  /// GAT: what dx gets through the scores, d_own[j] · source_vector, and for destinations dleft · row_vector.
  const float* source_vector = nullptr;
  const float* row_vector = nullptr;
  ConstTensor dleft;
  std::span<double> att_slots;  ///< GATv2: [slots, heads · width], zeros: sums of d_att go there
};

void attend(const AttentionForward& call);
void attention_row_gradients(const AttentionRowGradients& call);
/// `rows`: those of the transpose.
void attention_column_gradients(const RowSweep& rows, const AttentionColumnGradients& call);

}  // namespace kith
