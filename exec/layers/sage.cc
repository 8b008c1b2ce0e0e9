#include <cmath>

#include "kith/exec/layers/layers.h"
#include "kith/exec/layers/order.h"

namespace kith {
namespace {
double bound(std::int64_t in) { return 1.0 / std::sqrt(static_cast<double>(in)); }
}  // namespace

SageConv::SageConv(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out,
                   Aggregator aggregator)
    : aggregator_(aggregator),
      neighbour_weight_(parameters.uniform(name + ".lin_l.weight", {out, in}, bound(in))),
      neighbour_bias_(parameters.uniform(name + ".lin_l.bias", {out}, bound(in))),
      root_weight_(parameters.uniform(name + ".lin_r.weight", {out, in}, bound(in))) {}

bool SageConv::keeps_sum_of_input() const {
  return keeps_sum(neighbour_weight_.value.cols(), neighbour_weight_.value.rows());
}

Var SageConv::forward(Tape& tape, const LayerGraph& graph, const Var& x) const {
  const Var own = destination_rows(tape, graph, x);
  // A mean may follow the product; a maximum may not.
  if (aggregator_ == Aggregator::mean && !aggregates_first(tape, graph, x, neighbour_weight_.value.rows()))
    return add(tape, mean(tape, graph, linear(tape, x, neighbour_weight_)),
               linear(tape, own, root_weight_, neighbour_bias_));
  const Var heard =
      aggregator_ == Aggregator::mean ? mean(tape, graph, x) : neighbour_maximum(tape, graph, x);
  return linear_sum(tape, own, root_weight_, heard, neighbour_weight_, neighbour_bias_);
}

}  // namespace kith
