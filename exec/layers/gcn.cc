#include "kith/exec/layers/layers.h"
#include "kith/exec/layers/order.h"

namespace kith {

GcnConv::GcnConv(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out)
    : weight_(parameters.glorot(name + ".lin.weight", out, in)),
      bias_(parameters.zeros(name + ".bias", {out})) {}

bool GcnConv::keeps_sum_of_input() const { return keeps_sum(weight_.value.cols(), weight_.value.rows()); }

Var GcnConv::forward(Tape& tape, const LayerGraph& graph, const Var& x) const {
  if (aggregates_first(tape, graph, x, weight_.value.rows()))
    return linear(tape, gcn_aggregate(tape, graph, x), weight_, bias_);
  return add_bias(tape, gcn_aggregate(tape, graph, linear(tape, x, weight_)), bias_);
}

}  // namespace kith
