#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kith/exec/layer_graph.h"
#include "kith/exec/ops.h"
#include "kith/exec/parameter.h"

namespace kith {

/// What a trainer trains: parameters made at construction, and a forward pass that is written once and runs
/// on sampled blocks, on the full graph of one rank, and on a rank's part with its halo.
class Model {
 public:
  virtual ~Model() = default;
  /// x [rows of graphs[0]'s sources, F] → logits [destinations of the last graph, classes].
  virtual Var forward(Tape& tape, const LayerGraphs& graphs, const Var& x) = 0;
  virtual int layers() const = 0;
  virtual SelfEdges self_edges() const { return SelfEdges::as_stored; }
  /// Needs statistics over all ranks' rows (batch norm), which mini-batches on several ranks do not have.
  virtual bool sums_over_ranks() const { return false; }
  /// Each layer but the first has one halo exchange, of its sources' rows, and a row's output depends on the
  /// rows of its layer's sources alone: a plan may work out which rows a training needs. False is always
  /// safe.
  virtual bool one_exchange_a_layer() const { return false; }
  /// Of its input it reads the destinations' rows and, of neighbours, one sum by fixed weights alone, so that
  /// a graph that keeps this sum needs no rows of others. False is always safe.
  virtual bool sums_input() const { return false; }
  /// Aggregates are sums over neighbours by fixed weights, so that leaving out rows at random and scaling the
  /// others up is unbiased. False is always safe.
  virtual bool sums_neighbours() const { return false; }
};

/// The built-in models' shape, as the settings name it.
struct ModelOptions {
  std::string name = "sage";  ///< gcn | sage | sage-max | gin | gat | gatv2
  std::int64_t in = 0, classes = 0;
  int layers = 2;
  std::int64_t hidden = 64;       ///< gat: per head
  int heads = 8;                  ///< gat
  int output_heads = 1;           ///< gat: averaged in the last layer
  std::string norm = "none";      ///< none | layer | batch | batch-approx
  bool residual = false;          ///< every layer adds its input, projected where the widths differ
  std::string jk = "none";        ///< jumping knowledge: none | cat | max
  double dropout = 0.5;           ///< of every layer's input
  double input_dropout = -1;      ///< of the first layer's, the features; −1: as dropout
  double attention_dropout = -1;  ///< gat; −1: as dropout
};

/// Makes a model and adds its parameters: the signature a custom model's factory has, too.
using ModelFactory =
    std::function<std::unique_ptr<Model>(Parameters&, std::int64_t in, std::int64_t classes)>;

/// A built-in model by name; throws InputError with the nearest known one. The seam where a model is added.
std::unique_ptr<Model> make_model(Parameters& parameters, const ModelOptions& options);
/// Makes that model for whatever data: `in` and `classes` of the options are the data's.
ModelFactory factory_of(const ModelOptions& options);
std::vector<std::string> model_names();

}  // namespace kith
