#include <cmath>

#include "kith/exec/layers/layers.h"

namespace kith {
namespace {
double bound(std::int64_t in) { return 1.0 / std::sqrt(static_cast<double>(in)); }
}  // namespace

SageConv::SageConv(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out)
    : neighbour_weight_(parameters.uniform(name + ".lin_l.weight", {out, in}, bound(in))),
      neighbour_bias_(parameters.uniform(name + ".lin_l.bias", {out}, bound(in))),
      root_weight_(parameters.uniform(name + ".lin_r.weight", {out, in}, bound(in))) {}

Var SageConv::forward(Tape& tape, const LayerGraph& graph, const Var& x) const {
  const Var root = linear(tape, destination_rows(tape, graph, x), root_weight_);
  if (neighbour_weight_.value.rows() < neighbour_weight_.value.cols()) {
    const Var narrow = mean(tape, graph, linear(tape, x, neighbour_weight_));
    return add_bias(tape, add(tape, narrow, root), neighbour_bias_);
  }
  return add(tape, linear(tape, mean(tape, graph, x), neighbour_weight_, neighbour_bias_), root);
}

}  // namespace kith
