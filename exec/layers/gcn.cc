#include "kith/exec/layers/layers.h"

namespace kith {

GcnConv::GcnConv(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out)
    : weight_(parameters.glorot(name + ".lin.weight", out, in)),
      bias_(parameters.zeros(name + ".bias", {out})) {}

Var GcnConv::forward(Tape& tape, const LayerGraph& graph, const Var& x) const {
  if (weight_.value.rows() <= weight_.value.cols())
    return add_bias(tape, gcn_aggregate(tape, graph, linear(tape, x, weight_)), bias_);
  return linear(tape, gcn_aggregate(tape, graph, x), weight_, bias_);
}

}  // namespace kith
