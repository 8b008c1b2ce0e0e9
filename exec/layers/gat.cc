#include <cmath>

#include "kith/exec/layers/layers.h"

namespace kith {

GatConv::GatConv(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out,
                 const GatOptions& options)
    : options_(options),
      weight_(parameters.glorot(name + ".lin.weight", options.heads * out, in)),
      a_src_(parameters.uniform(name + ".att_src", {1, options.heads, out},
                                std::sqrt(6.0 / static_cast<double>(options.heads + out)))),
      a_dst_(parameters.uniform(name + ".att_dst", {1, options.heads, out},
                                std::sqrt(6.0 / static_cast<double>(options.heads + out)))),
      bias_(parameters.zeros(name + ".bias", {options.concatenate ? options.heads * out : out})) {}

Var GatConv::forward(Tape& tape, const LayerGraph& graph, const Var& x) const {
  const Var h = linear(tape, x, weight_);
  Var y = attend(tape, graph, h, a_src_, a_dst_,
                 {.heads = options_.heads, .dropout = options_.attention_dropout});
  if (!options_.concatenate && options_.heads > 1) y = mean_heads(tape, y, options_.heads);
  return add_bias(tape, y, bias_);
}

}  // namespace kith
