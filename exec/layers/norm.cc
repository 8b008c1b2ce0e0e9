#include "kith/exec/layers/norm.h"

namespace kith {

Norm::Norm(Parameters& parameters, const std::string& name, std::int64_t width, const std::string& kind) {
  if (kind == "none") return;
  const bool batch = kind != "layer";
  const std::string prefix = batch ? name + ".module" : name;
  weight_ = &parameters.constant(prefix + ".weight", {width}, 1);
  bias_ = &parameters.zeros(prefix + ".bias", {width});
  if (!batch) return;
  const Parameter& mean = parameters.running(prefix + ".running_mean", {width}, 0);
  running_.emplace(RunningStatistics{mean, parameters.running(prefix + ".running_var", {width}, 1)});
}

Var Norm::forward(Tape& tape, const LayerGraph& graph, Var x) const {
  if (weight_ == nullptr) return x;
  if (running_) return batch_norm(tape, graph, x, *weight_, *bias_, *running_);
  return layer_norm(tape, x, *weight_, *bias_);
}

}  // namespace kith
