#pragma once
#include "kith/exec/halo/column_heads.h"
#include "kith/exec/layer_graph.h"
#include "kith/kernels/fused_attention.h"

namespace kith {

/// GAT's attention where every rank has its columns of all nodes' rows and all edges. Scores are owners', a
/// number a node, head and side, and go with the rows. Backward a rank's columns give a summand of every
/// score's gradient, for it is linear in ⟨dy, x⟩: owners get the summands and add them.
class ColumnAttention {
 public:
  ColumnAttention(const LayerGraph& graph, const HaloPass& pass, float slope, const EdgeDropout& mask);

  /// y [destinations, heads · d] of h, of whose rows left and right [destinations, heads] are the scores.
  Matrix forward(const Backend& on, ConstTensor h, ConstTensor left, ConstTensor right);
  struct Gradients {
    Matrix dx;             ///< of h, but for what comes through the scores
    Matrix dleft, dright;  ///< [destinations, heads]
  };
  Gradients backward(const Backend& on, ConstTensor dy) const;

 private:
  ColumnHeads columns(std::int64_t cols) const;
  GatAttention over() const;

  const LayerGraph* graph_;
  HaloPass pass_;
  float slope_;
  EdgeDropout mask_;
  Matrix x_, left_, right_, log_sums_;  ///< of all nodes; x_ this rank's columns
};

/// GATv2's, whose scores are sums over columns behind a rectifier: a rank has a summand of every edge's score
/// and, backward, of every edge's ⟨dy, x⟩, which are summed over the ranks.
class ColumnAdditiveAttention {
 public:
  ColumnAdditiveAttention(const LayerGraph& graph, const HaloPass& pass, float slope,
                          const EdgeDropout& mask);

  Matrix forward(const Backend& on, ConstTensor left, ConstTensor right, std::span<const float> att);
  struct Gradients {
    Matrix dleft, dright;
    std::vector<double> datt;  ///< from this rank's columns, zeros for the others
  };
  Gradients backward(const Backend& on, ConstTensor dy) const;

 private:
  ColumnHeads columns(std::int64_t cols) const;
  AdditiveScores scores() const;
  /// alpha with the mask, for every edge.
  Array<float> weights(const Backend& on) const;

  const LayerGraph* graph_;
  HaloPass pass_;
  float slope_;
  EdgeDropout mask_;
  Matrix own_, other_;      ///< this rank's columns of all nodes
  std::vector<float> att_;  ///< and of the vector
  Matrix alpha_;            ///< [edges, heads]
};

}  // namespace kith
