#pragma once
#include "kith/exec/halo/source_rows.h"

namespace kith {

/// y = A x on several ranks, each of which sums its columns of all nodes' rows: A = diag(rows) S
/// diag(columns)
/// + diag(self) for the edges S, whose weights are at home with their nodes.
struct ColumnSum {
  const LayerGraph* graph;
  SpmmScales scales;  ///< without weights of edges
  HaloPass pass;

  /// y [destinations, d] of x [destinations, d].
  Matrix forward(const Backend& on, ConstTensor x) const;
  /// dx += Aᵀ dy.
  void backward(const Backend& on, ConstTensor dy, GradientSlot dx) const;

 private:
  struct Ends {
    std::span<const float> in, out;  ///< [destinations] weights ahead of the sum, and behind it
    const Csr32* edges = nullptr;
  };
  /// out ∘ (edges · (in ∘ x)) + self ∘ x + beta y.
  void sum(const Backend& on, const Ends& ends, const HaloPass& message, ConstTensor x, float beta,
           Tensor y) const;
};

/// The maximum over neighbours, column by column; of equal values the lowest store id has the gradient, as on
/// one rank, whose order of entries the whole graph has.
class ColumnMaximum {
 public:
  ColumnMaximum(const LayerGraph& graph, const HaloPass& pass) : graph_(&graph), pass_(pass) {}
  Matrix forward(const Backend& on, ConstTensor x);
  void backward(const Backend& on, ConstTensor dy, GradientSlot dx) const;

 private:
  const LayerGraph* graph_;
  HaloPass pass_;
  Array<std::int32_t> slots_;  ///< [nodes, width], of this rank's columns
};

}  // namespace kith
