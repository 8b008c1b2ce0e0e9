#include <cmath>

#include "kith/exec/layers/layers.h"

namespace kith {
namespace {
double bound(std::int64_t in) { return 1.0 / std::sqrt(static_cast<double>(in)); }
}  // namespace

GinConv::GinConv(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out)
    : epsilon_(parameters.zeros(name + ".eps", {1})),
      first_weight_(parameters.uniform(name + ".nn.lins.0.weight", {out, in}, bound(in))),
      first_bias_(parameters.uniform(name + ".nn.lins.0.bias", {out}, bound(in))),
      second_weight_(parameters.uniform(name + ".nn.lins.1.weight", {out, out}, bound(out))),
      second_bias_(parameters.uniform(name + ".nn.lins.1.bias", {out}, bound(out))) {}

Var GinConv::forward(Tape& tape, const LayerGraph& graph, const Var& x) const {
  const Var own = scale_by_one_plus(tape, destination_rows(tape, graph, x), epsilon_);
  const Var hidden = linear(tape, add(tape, sum(tape, graph, x), own), first_weight_, first_bias_);
  return linear(tape, relu(tape, hidden), second_weight_, second_bias_);
}

}  // namespace kith
