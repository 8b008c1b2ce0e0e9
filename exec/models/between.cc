#include "kith/exec/models/between.h"

#include <cmath>
#include <utility>

namespace kith {

Between::Between(Parameters& parameters, const ModelOptions& options, std::span<const Widths> widths)
    : residual_(options.residual), maximum_(options.jk == "max"), sums_over_ranks_(options.norm == "batch") {
  const bool jumps = options.jk != "none";
  const std::size_t normed = jumps ? widths.size() : widths.size() - 1;
  for (std::size_t l = 0; l < normed; ++l)
    norms_.emplace_back(parameters, "norms." + std::to_string(l), widths[l].out, options.norm);
  for (std::size_t l = 0; residual_ && l < widths.size(); ++l) {
    const auto [in, out] = widths[l];
    const std::string name = "residuals." + std::to_string(l) + ".weight";
    projections_.push_back(in == out ? nullptr : &parameters.glorot(name, out, in));
  }
  if (!jumps) return;
  const std::int64_t hidden = widths.back().out;
  const std::int64_t seen = maximum_ ? hidden : hidden * static_cast<std::int64_t>(widths.size());
  const double bound = 1 / std::sqrt(static_cast<double>(seen));
  end_weight_ = &parameters.uniform("lin.weight", {options.classes, seen}, bound);
  end_bias_ = &parameters.uniform("lin.bias", {options.classes}, bound);
}

Var Between::with_residual(Tape& tape, const LayerGraph& graph, int layer, Var y, const Var& h) const {
  if (!residual_) return y;
  const Var own = destination_rows(tape, graph, h);
  const Parameter* projection = projections_[static_cast<std::size_t>(layer)];
  return add(tape, std::move(y), projection == nullptr ? own : linear(tape, own, *projection));
}

Var Between::normed(Tape& tape, const LayerGraph& graph, int layer, Var y) const {
  return norms_[static_cast<std::size_t>(layer)].forward(tape, graph, std::move(y));
}

Var Between::joined(Tape& tape, const LayerGraph& graph, std::span<const Var> outputs, double p) const {
  Var all;
  for (std::size_t l = 0; l < outputs.size(); ++l) {
    const Var own = destination_rows(tape, graph, outputs[l]);
    all = l == 0 ? own : maximum_ ? maximum(tape, all, own) : concatenate(tape, all, own);
  }
  tape.note_embedding(all);
  return linear(tape, dropout(tape, graph, all, p), *end_weight_, *end_bias_);
}

}  // namespace kith
