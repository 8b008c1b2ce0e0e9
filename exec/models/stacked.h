#pragma once
#include <vector>

#include "kith/exec/layers/layers.h"
#include "kith/exec/model.h"

namespace kith {

/// dropout → layer → activation, L times, without activation after the last: what GCN, GraphSAGE and GAT
/// share.
template <class Layer, Var (*Activation)(Tape&, const Var&), SelfEdges Edges>
class Stacked final : public Model {
 public:
  Stacked(std::vector<Layer> layers, double dropout) : layers_(std::move(layers)), dropout_(dropout) {}

  Var forward(Tape& tape, const LayerGraphs& graphs, const Var& x) override {
    Var h = x;
    for (int l = 0; l < layers(); ++l) {
      h = dropout(tape, graphs[l], h, dropout_);
      h = layers_[static_cast<std::size_t>(l)].forward(tape, graphs[l], h);
      if (l + 1 < layers()) h = Activation(tape, h);
    }
    return h;
  }
  int layers() const override { return static_cast<int>(layers_.size()); }
  SelfEdges self_edges() const override { return Edges; }

 private:
  std::vector<Layer> layers_;
  double dropout_;
};

/// "convs.0", … and the widths in and out of layer l of L.
struct LayerShape {
  std::string name;
  std::int64_t in, out;
  bool last;
};
std::vector<LayerShape> layer_shapes(const ModelOptions& options, std::int64_t hidden);

}  // namespace kith
