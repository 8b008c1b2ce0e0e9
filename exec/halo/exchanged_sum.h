#pragma once
#include "kith/exec/halo/source_rows.h"

namespace kith {

/// y = A x on several ranks, whose columns are owned and halo nodes: the halo's rows cross or, where the
/// protocol's plan sums at the owners, what these make of them.
struct ExchangedSum {
  const LayerGraph* graph;
  SpmmScales scales;
  int layer = 0;
  std::uint32_t step = 0;
  std::optional<ZeroPattern> zeros = {};  ///< of x

  /// y [destinations, d] of x [destinations, d].
  Matrix forward(const Backend& on, ConstTensor x) const;
  /// dx += Aᵀ dy.
  void backward(const Backend& on, ConstTensor dy, GradientSlot dx) const;

 private:
  /// The graph that receives what crosses, and the scales of its columns.
  struct Seen {
    const SumPlan* plan;  ///< null: rows cross
    const LayerGraph& graph;
    Array<float> columns;
    SpmmScales scales;
  };
  /// Weights of single edges are known at their destination alone, and a sum has none of its rows' zeros.
  Crossing crossing() const;
  Seen seen() const;
  /// y = A x, over owned sources first.
  void add_by_source(const Backend& on, const Seen& seen, ConstTensor x, HaloExchange::Flight flight,
                     Tensor y) const;
  /// Rows that do not cross are left out, and have no memory; on a CPU.
  bool leaves_out_rows(const Backend& on, const HaloPass& pass) const {
    return memory_of(on) == nullptr && graph->halo()->leaves_out_rows(pass);
  }
  void add_crossing(const Backend& on, const Seen& seen, HaloExchange::Flight& flight, Tensor y) const;
  HaloExchange::Flight return_crossing(const Backend& on, const HaloPass& pass,
                                       const TransposedCsr& transpose, const SpmmScales& by_source,
                                       ConstTensor dy) const;
  HaloExchange::Flight start_return(const Backend& on, const Seen& seen, const TransposedCsr& transpose,
                                    ConstTensor dy) const;
  /// Where the route consumes rows rank by rank.
  bool in_rounds() const { return crossing() == Crossing::sums && graph->halo()->in_rounds(); }
  Matrix forward_in_rounds(const Backend& on, ConstTensor x) const;
  void backward_in_rounds(const Backend& on, ConstTensor dy, GradientSlot dx) const;
  /// Where the route has ranks sum for their groups; else null.
  const ReplicatedPlan* replicated() const;
  HaloPass message(HaloPart part) const;
  Matrix forward_replicated(const Backend& on, ConstTensor x, const ReplicatedPlan& plan) const;
  void backward_replicated(const Backend& on, ConstTensor dy, GradientSlot dx,
                           const ReplicatedPlan& plan) const;
  /// Of the owned rows, as they go into sums.
  std::span<const float> own_columns() const;
  SpmmScales adjoint(const Seen& seen, const TransposedCsr& transpose, float beta) const;
};

}  // namespace kith
