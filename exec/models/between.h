#pragma once
#include <span>
#include <vector>

#include "kith/exec/layers/norm.h"
#include "kith/exec/model.h"

namespace kith {

/// What stands between the layers of a stack: residual connections, norms, and jumping knowledge behind the
/// last (Xu et al. 2018). Names as PyG's BasicGNN: norms.0…, lin.weight, lin.bias; and residuals.0.weight
/// where a residual needs a projection.
class Between {
 public:
  /// `in` and `out` are the widths of the layers.
  struct Widths {
    std::int64_t in, out;
  };
  Between(Parameters& parameters, const ModelOptions& options, std::span<const Widths> widths);

  /// y + h's rows of the destinations.
  Var with_residual(Tape& tape, const LayerGraph& graph, int layer, Var y, const Var& h) const;
  Var normed(Tape& tape, const LayerGraph& graph, int layer, Var y) const;
  bool jumps() const { return end_weight_ != nullptr; }
  /// The logits from all layers' outputs; `graph` is the last layer's.
  Var joined(Tape& tape, const LayerGraph& graph, std::span<const Var> outputs, double dropout) const;
  bool sums_over_ranks() const { return sums_over_ranks_; }

 private:
  bool residual_, maximum_, sums_over_ranks_;
  std::vector<const Parameter*> projections_;  ///< by layer; null: the widths agree
  std::vector<Norm> norms_;
  const Parameter* end_weight_ = nullptr;
  const Parameter* end_bias_ = nullptr;
};

}  // namespace kith
