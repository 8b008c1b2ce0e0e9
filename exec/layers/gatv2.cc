#include <cmath>

#include "kith/exec/layers/layers.h"

namespace kith {

GatV2Conv::GatV2Conv(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out,
                     const GatOptions& options)
    : options_(options),
      source_weight_(parameters.glorot(name + ".lin_l.weight", options.heads * out, in)),
      source_bias_(parameters.zeros(name + ".lin_l.bias", {options.heads * out})),
      own_weight_(parameters.glorot(name + ".lin_r.weight", options.heads * out, in)),
      own_bias_(parameters.zeros(name + ".lin_r.bias", {options.heads * out})),
      att_(parameters.uniform(name + ".att", {1, options.heads, out},
                              std::sqrt(6.0 / static_cast<double>(options.heads + out)))),
      bias_(parameters.zeros(name + ".bias", {options.concatenate ? options.heads * out : out})) {}

Var GatV2Conv::forward(Tape& tape, const LayerGraph& graph, const Var& x) const {
  const Var own = linear(tape, destination_rows(tape, graph, x), own_weight_, own_bias_);
  const Var sources = linear(tape, x, source_weight_, source_bias_);
  Var y = attend_additive(tape, graph, own, sources, att_,
                          {.heads = options_.heads, .dropout = options_.attention_dropout});
  if (!options_.concatenate && options_.heads > 1) y = mean_heads(tape, y, options_.heads);
  return add_bias(tape, y, bias_);
}

}  // namespace kith
