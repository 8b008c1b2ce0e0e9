#pragma once
#include <string>

#include "kith/exec/ops.h"
#include "kith/exec/parameter.h"

namespace kith {

/// Layers: parameters (names and shapes as PyG's) and a forward pass made of ops. `x` holds the rows of the
/// graph's sources, or of its destinations alone (then the halo exchange brings the rest); the result has a
/// row per destination. Where the order is free, layers/order.h chooses it.

/// Kipf & Welling 2017: D^-1/2 (A + I) D^-1/2 x Wᵀ + b. Needs SelfEdges::implied.
class GcnConv {
 public:
  static constexpr bool kSumsNeighbours = true;
  GcnConv(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out);
  Var forward(Tape& tape, const LayerGraph& graph, const Var& x) const;
  /// As the first layer, where features are not dropped: it reads the kept sum of them.
  bool keeps_sum_of_input() const;

 private:
  const Parameter& weight_;
  const Parameter& bias_;
};

/// Hamilton et al. 2017: aggregate(x_j) W_lᵀ + b + x_i W_rᵀ, with the mean or the element-wise maximum of the
/// neighbours.
enum class Aggregator { mean, maximum };
class SageConv {
 public:
  static constexpr bool kSumsNeighbours = true;
  SageConv(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out,
           Aggregator aggregator = Aggregator::mean);
  Var forward(Tape& tape, const LayerGraph& graph, const Var& x) const;
  bool keeps_sum_of_input() const;

 private:
  Aggregator aggregator_;
  const Parameter& neighbour_weight_;
  const Parameter& neighbour_bias_;
  const Parameter& root_weight_;
};

class SageMaxConv : public SageConv {
 public:
  static constexpr bool kSumsNeighbours = false;
  SageMaxConv(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out)
      : SageConv(parameters, name, in, out, Aggregator::maximum) {}
};

/// Xu et al. 2019: MLP((1 + ε) x_i + Σ x_j) with a trained ε and an MLP of two layers.
class GinConv {
 public:
  static constexpr bool kSumsNeighbours = true;
  GinConv(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out);
  Var forward(Tape& tape, const LayerGraph& graph, const Var& x) const;
  bool keeps_sum_of_input() const { return true; }

 private:
  const Parameter& epsilon_;
  const Parameter& first_weight_;
  const Parameter& first_bias_;
  const Parameter& second_weight_;
  const Parameter& second_bias_;
};

/// Veličković et al. 2018: `heads` heads of width `out`, concatenated or averaged. Needs
/// SelfEdges::explicit_edges.
struct GatOptions {
  int heads = 1;
  bool concatenate = true;
  double attention_dropout = 0;
};
class GatConv {
 public:
  static constexpr bool kSumsNeighbours = false;
  GatConv(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out,
          const GatOptions& options);
  Var forward(Tape& tape, const LayerGraph& graph, const Var& x) const;

 private:
  GatOptions options_;
  const Parameter& weight_;
  const Parameter& a_src_;
  const Parameter& a_dst_;
  const Parameter& bias_;
};

/// Brody et al. 2022: GAT whose attention sees both nodes before the rectifier. Needs
/// SelfEdges::explicit_edges.
class GatV2Conv {
 public:
  static constexpr bool kSumsNeighbours = false;
  GatV2Conv(Parameters& parameters, const std::string& name, std::int64_t in, std::int64_t out,
            const GatOptions& options);
  Var forward(Tape& tape, const LayerGraph& graph, const Var& x) const;

 private:
  GatOptions options_;
  const Parameter& source_weight_;
  const Parameter& source_bias_;
  const Parameter& own_weight_;
  const Parameter& own_bias_;
  const Parameter& att_;
  const Parameter& bias_;
};

}  // namespace kith
