#pragma once
#include "kith/exec/halo/partial_attention.h"

namespace kith {

/// Attention over neighbours whose rows come rank by rank and are dropped (SAR, case 2): a rank's part of a
/// row's mean is merged into what is there as an online softmax. Backward every rank's rows are fetched
/// again, and their gradients sent before the next one's come.
class AttentionInRounds {
 public:
  AttentionInRounds(const LayerGraph& graph, const HaloPass& pass) : graph_(&graph), pass_(pass) {}

  using Attend = std::function<void(const AttentionEdges& edges, ConstTensor x, const Attended& out)>;
  /// y and log_sums of whole rows of x [owned, d].
  void forward(const Backend& on, ConstTensor x, const Attend& attend, const Attended& whole) const;

  /// Of some edges: adds to `dleft`, overwrites `dx` or adds to it by x_beta. What it makes of dleft is the
  /// caller's affair.
  using Backward = std::function<void(const AttentionEdges& edges, ConstTensor x, const AttendedGradient& of,
                                      Tensor dx, float x_beta)>;
  struct Passed {
    ConstTensor x, y, log_sums;
  };
  void backward(const Backend& on, const Passed& passed, ConstTensor dy, GradientSlot dx,
                const Backward& kernel) const;

 private:
  AttentionEdges edges(std::size_t block) const;
  void merge(std::size_t block, const Attended& part, const Attended& whole, std::vector<char>& any) const;

  const LayerGraph* graph_;
  HaloPass pass_;
};

}  // namespace kith
