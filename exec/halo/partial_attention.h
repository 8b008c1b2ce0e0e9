#pragma once
#include <functional>

#include "kith/exec/halo/source_rows.h"
#include "kith/kernels/fused_attention.h"

namespace kith {

/// One of the two matrices that attention is taken over where owners make partial results: the edges left to
/// this rank, and those for which it makes others' partials.
struct AttentionEdges {
  const LayerGraph& graph;
  std::span<const StoreId> destinations;
  std::span<const std::int32_t> slots;

  /// Dropout by an edge's place in its destination's whole row.
  EdgeDropout mask(EdgeDropout of_whole_rows) const {
    of_whole_rows.destinations = destinations;
    of_whole_rows.slots = slots;
    return of_whole_rows;
  }
  const TransposedCsr& transpose(const EdgeDropout& mask) const {
    return mask.p > 0 ? graph.transpose_with_edges() : graph.transpose();
  }
};

/// Attention over neighbours of which other ranks make partial results. Of a part p of a destination's edges
/// its owner has the mean y_p of the rows by the part's own softmax and the log-sum of the exponentials
/// L_p, from which the whole's are
///   L = log Σ_p exp L_p,  y = Σ_p exp(L_p − L) y_p.
/// Backward, weights α of the whole are exp(L_p − L) times the part's: with that factor on dy and on
/// D = ⟨dy, y⟩ the owner needs nothing else of the other parts.
class PartialAttention {
 public:
  /// `pass` is forward; the graph's plan for its layer has partials.
  PartialAttention(const LayerGraph& graph, const HaloPass& pass);

  /// Attention over rows of the edges (empty: all) for the destinations' side and their sources' rows.
  struct Forward {
    std::function<void(const AttentionEdges& edges, std::span<const std::int32_t> rows, ConstTensor left,
                       ConstTensor x, const Attended& out)>
        attend;
    /// Of rows of x that have arrived.
    std::function<void(ConstTensor x)> arrived;
  };
  /// y and log_sums of whole rows; returns the rows of `csr`'s sources. left [owned, ·] is the destinations'
  /// side of the scores, x [owned, d] what crosses.
  Matrix forward(const Backend& on, ConstTensor left, ConstTensor x, const Forward& kernels,
                 const Attended& whole);

  /// The gradients of both sides of some edges.
  struct Sides {
    Tensor dleft;
    float left_beta = 0;
    Tensor dx;  ///< no data: not wanted
    float x_beta = 0;
  };
  using Backward = std::function<void(const AttentionEdges& edges, ConstTensor left, ConstTensor x,
                                      const AttendedGradient& of, const Sides& sides)>;
  /// What the forward pass was given and gave.
  struct Passed {
    ConstTensor left, sources, y, log_sums;
  };
  /// dleft [owned, ·] gets what comes through the scores, dx what comes to the owned rows through both.
  void backward(const Backend& on, const Passed& passed, ConstTensor dy, GradientSlot dleft, GradientSlot dx,
                const Backward& kernel) const;

 private:
  AttentionEdges own() const;
  AttentionEdges made_here() const;
  HaloPass message(HaloPart part) const;
  void merge(ConstTensor y, const Attended& whole) const;
  /// The gradients of partials that arrived, and of whole rows ⟨dy, y⟩ per head.
  struct Shares {
    Matrix dy, inner;  ///< [partials, d], [partials, heads]
    Matrix whole_inner;
  };
  Shares shares(const Passed& passed, ConstTensor dy) const;

  const LayerGraph* graph_;
  const PartialPlan* plan_;
  HaloPass pass_;
  Matrix terms_;           ///< [partials made, ·]
  Matrix made_, arrived_;  ///< log-sums of partials, [·, heads]
};

}  // namespace kith
