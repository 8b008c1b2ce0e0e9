#include "kith/exec/export.h"

#include <algorithm>

#include <fmt/format.h>

#include "kith/exec/run_folder.h"
#include "kith/exec/safetensors.h"

namespace kith {
namespace {

constexpr const char* kShapeSettings[] = {"model",        "layers", "hidden",   "heads",
                                          "output-heads", "norm",   "residual", "jk"};

std::int64_t elements(const std::vector<std::int64_t>& shape) {
  std::int64_t product = 1;
  for (const std::int64_t extent : shape) product *= extent;
  return product;
}

/// A model of Kith as a model of PyG: what tells the widths, the class, and what else its call needs.
struct PygModel {
  const char* name;
  const char *first, *last;  ///< a tensor of the first layer [·, in], and of the last [out]
  const char *model, *layer;
  const char* arguments;
};
constexpr PygModel kPyg[] = {
    {"gcn", "lin.weight", "bias", "GCN", "GCNConv", ""},
    {"sage", "lin_l.weight", "lin_l.bias", "GraphSAGE", "SAGEConv", ""},
    {"sage-max", "lin_l.weight", "lin_l.bias", "GraphSAGE", "SAGEConv", ", aggr=\"max\""},
    {"gin", "nn.lins.0.weight", "nn.lins.1.bias", "GIN", "GINConv", ", train_eps=True"},
    {"gat", "lin.weight", "bias", "GAT", "GATConv", ", act=\"elu\""},
    {"gatv2", "lin_l.weight", "bias", "GAT", "GATv2Conv", ", act=\"elu\", v2=True"}};

bool attends(const ModelOptions& options) { return options.name == "gat" || options.name == "gatv2"; }

std::string norm_arguments(const std::string& norm) {
  if (norm == "none") return "";
  if (norm == "layer") return ", norm=\"layer_norm\", norm_kwargs={\"mode\": \"node\"}";
  return ", norm=\"batch_norm\"";
}

/// Why PyG's class cannot be this model; empty when it can.
std::string difference(const ModelOptions& options) {
  const bool one_head =
      attends(options) && options.jk == "none" && options.layers > 1 && options.heads != options.output_heads;
  if (one_head)
    return fmt::format(" with heads={} of {}, the last heads={} and concat=False", options.heads,
                       options.hidden, options.output_heads);
  if (options.residual && !attends(options))
    return ", each adding its input, through \"residuals\" where the widths differ";
  if (options.name == "gin" && options.norm != "none") return " with norms between them, but none inside";
  return "";
}

std::string attention_arguments(const ModelOptions& options) {
  const bool averaged = options.layers == 1 && options.jk == "none";
  return fmt::format(", heads={}{}", averaged ? options.output_heads : options.heads,
                     options.residual ? ", residual=True" : "");
}

/// The call that makes the model in PyG; for a model that no class of PyG makes, the layers to make it of.
std::string pyg_call(const ModelOptions& options, const Safetensors& weights) {
  const auto* const pyg = std::find_if(std::begin(kPyg), std::end(kPyg),
                                       [&](const PygModel& known) { return options.name == known.name; });
  if (pyg == std::end(kPyg)) return "the names of " + options.name + " in PyG";
  const std::string apart = difference(options);
  if (!apart.empty())
    return fmt::format("{} torch_geometric.nn.{} as \"convs\"{}", options.layers, pyg->layer, apart);
  const std::string last = fmt::format("convs.{}.{}", options.layers - 1, pyg->last);
  return fmt::format(
      "torch_geometric.nn.{}(in_channels={}, hidden_channels={}, num_layers={}, out_channels={}{}{}{}{})",
      pyg->model, weights.shape(std::string("convs.0.") + pyg->first).back(),
      attends(options) ? options.hidden * options.heads : options.hidden, options.layers,
      weights.shape(options.jk == "none" ? last : "lin.bias").front(), pyg->arguments,
      attends(options) ? attention_arguments(options) : "", norm_arguments(options.norm),
      options.jk == "none" ? "" : fmt::format(", jk=\"{}\"", options.jk));
}

/// The tensors under PyG's names, and memory for those that Kith does not keep.
struct PygWeights {
  std::vector<NamedTensor> tensors;
  std::vector<Array<float>> made;

  void add(const std::string& name, std::vector<std::int64_t> shape, Array<float> values) {
    made.push_back(std::move(values));
    tensors.push_back({name, std::move(shape), made.back().span()});
  }
};

/// PyTorch's batch norm counts its batches; the count is read only where `momentum` is None.
void add_batch_counts(PygWeights& weights, const Safetensors& best) {
  const std::string mean = ".running_mean";
  for (const std::string& name : best.names())
    if (name.ends_with(mean))
      weights.add(name.substr(0, name.size() - mean.size()) + ".num_batches_tracked", {},
                  Array<float>(1, 0.0f));
}

Array<float> identity(std::int64_t n) {
  Array<float> matrix(static_cast<std::size_t>(n * n), 0.0f);
  for (std::int64_t i = 0; i < n; ++i) matrix[i * n + i] = 1;
  return matrix;
}

/// PyG's attention layers project what they add even where the widths agree.
void add_identities(PygWeights& weights, const ModelOptions& options, const Safetensors& best) {
  const std::int64_t width = options.hidden * options.heads;
  for (int l = 0; l < options.layers; ++l)
    if (!best.has(fmt::format("residuals.{}.weight", l)))
      weights.add(fmt::format("convs.{}.res.weight", l), {width, width}, identity(width));
}

std::string pyg_name(const ModelOptions& options, const std::string& name) {
  const std::string residual = "residuals.";
  if (!attends(options) || !name.starts_with(residual)) return name;
  const std::size_t dot = name.find('.', residual.size());
  return "convs." + name.substr(residual.size(), dot - residual.size()) + ".res" + name.substr(dot);
}

PygWeights pyg_weights(const ModelOptions& options, const Safetensors& best) {
  PygWeights weights;
  for (const std::string& name : best.names())
    weights.tensors.push_back(
        {pyg_name(options, name), best.shape(name), best.tensor(name, elements(best.shape(name)))});
  add_batch_counts(weights, best);
  if (options.residual && attends(options)) add_identities(weights, options, best);
  return weights;
}

}  // namespace

std::string export_weights(const std::filesystem::path& run, const ModelOptions& options,
                           const std::map<std::string, std::string>& settings,
                           const std::filesystem::path& file) {
  const Safetensors best = Safetensors::read(RunFolder(run).best_weights());
  const PygWeights weights = pyg_weights(options, best);
  std::map<std::string, std::string> metadata;
  for (const char* name : kShapeSettings)
    if (const auto found = settings.find(name); found != settings.end()) metadata.insert(*found);
  const std::string call = pyg_call(options, best);
  metadata["pyg"] = call;
  write_safetensors(file, weights.tensors, metadata);
  return call;
}

}  // namespace kith
