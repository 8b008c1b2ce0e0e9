#pragma once
#include <vector>

#include "kith/exec/layers/layers.h"
#include "kith/exec/model.h"
#include "kith/exec/models/between.h"

namespace kith {

/// dropout → layer (+ residual) → norm → activation, L times; without jumping knowledge the last layer is the
/// bare layer (+ residual), with it a linear layer ends the stack. What GCN, GraphSAGE, GIN and GAT share.
template <class Layer, Var (*Activation)(Tape&, Var), SelfEdges Edges>
class Stacked final : public Model {
 public:
  /// Of the features, and of every later layer's input.
  struct Dropout {
    double input, hidden;
  };
  Stacked(std::vector<Layer> layers, Between between, const Dropout& dropout)
      : layers_(std::move(layers)), between_(std::move(between)), dropout_(dropout) {}

  Var forward(Tape& tape, const LayerGraphs& graphs, const Var& x) override {
    Var h = x;
    std::vector<Var> outputs;
    bool dropped = false;  // with the activation before
    for (int l = 0; l < layers(); ++l) {
      if (l + 1 == layers() && !between_.jumps()) tape.note_embedding(h);
      if (!dropped) {
        h = with_kept_halo(tape, graphs[l], std::move(h));
        h = dropout(tape, graphs[l], std::move(h), l == 0 ? dropout_.input : dropout_.hidden);
      }
      h = between_.with_residual(tape, graphs[l], l, layer(l).forward(tape, graphs[l], h), h);
      if (l + 1 == layers() && !between_.jumps()) break;
      h = between_.normed(tape, graphs[l], l, std::move(h));
      dropped = l + 1 < layers() && drops_with_activation(graphs[l + 1]);
      h = dropped ? relu_dropout(tape, graphs[l + 1], std::move(h), dropout_.hidden)
                  : Activation(tape, std::move(h));
      if (between_.jumps()) outputs.push_back(h);
    }
    return between_.jumps() ? between_.joined(tape, graphs[layers() - 1], outputs, dropout_.hidden) : h;
  }
  int layers() const override { return static_cast<int>(layers_.size()); }
  SelfEdges self_edges() const override { return Edges; }
  bool sums_over_ranks() const override { return between_.sums_over_ranks(); }
  bool one_exchange_a_layer() const override { return !sums_over_ranks(); }
  bool sums_neighbours() const override { return Layer::kSumsNeighbours; }
  bool sums_input() const override {
    if constexpr (Layer::kSumsNeighbours) return dropout_.input <= 0 && layer(0).keeps_sum_of_input();
    return false;
  }

 private:
  /// Whether nobody wants the layer's output between its activation and the next layer's dropout.
  bool drops_with_activation(const LayerGraph& next) const {
    return Activation == relu && !between_.jumps() && !keeps_halo(next);
  }
  const Layer& layer(int l) const { return layers_[static_cast<std::size_t>(l)]; }

  std::vector<Layer> layers_;
  Between between_;
  Dropout dropout_;
};

/// "convs.0", … and the widths in and out of layer l of L.
struct LayerShape {
  std::string name;
  std::int64_t in, out;
  bool last;  ///< makes the logits
};
std::vector<LayerShape> layer_shapes(const ModelOptions& options, std::int64_t hidden);

}  // namespace kith
