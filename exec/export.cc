#include "kith/exec/export.h"

#include <fmt/format.h>

#include "kith/exec/run_folder.h"
#include "kith/exec/safetensors.h"

namespace kith {
namespace {

constexpr const char* kShapeSettings[] = {"model", "layers", "hidden", "heads", "output-heads"};

std::int64_t elements(const std::vector<std::int64_t>& shape) {
  std::int64_t product = 1;
  for (const std::int64_t extent : shape) product *= extent;
  return product;
}

std::string gat_call(const ModelOptions& options, std::int64_t in, std::int64_t classes) {
  // PyG's GAT has as many heads in the last layer as in the others.
  if (options.heads == options.output_heads || options.layers == 1)
    return fmt::format(
        "torch_geometric.nn.GAT(in_channels={}, hidden_channels={}, num_layers={}, out_channels={}, "
        "heads={}, act=\"elu\")",
        in, options.hidden * options.heads, options.layers, classes, options.output_heads);
  return fmt::format(
      "{} torch_geometric.nn.GATConv as \"convs\", elu between: heads={} of {}, the last heads={} of {}, "
      "concat=False",
      options.layers, options.heads, options.hidden, options.output_heads, classes);
}

/// The call that makes the model in PyG; for other models, where their weights come from.
std::string pyg_call(const ModelOptions& options, const Safetensors& weights) {
  const bool sage = options.name == "sage";
  const std::string last = fmt::format("convs.{}.{}", options.layers - 1, sage ? "lin_l.bias" : "bias");
  const std::string first = sage ? "convs.0.lin_l.weight" : "convs.0.lin.weight";
  if (!weights.has(first) || !weights.has(last)) return "the names of " + options.name + " in PyG";
  const std::int64_t in = weights.shape(first).back(), classes = weights.shape(last).front();
  if (options.name == "gat") return gat_call(options, in, classes);
  return fmt::format(
      "torch_geometric.nn.{}(in_channels={}, hidden_channels={}, num_layers={}, out_channels={})",
      sage ? "GraphSAGE" : "GCN", in, options.hidden, options.layers, classes);
}

}  // namespace

std::string export_weights(const std::filesystem::path& run, const ModelOptions& options,
                           const std::map<std::string, std::string>& settings,
                           const std::filesystem::path& file) {
  const Safetensors best = Safetensors::read(RunFolder(run).best_weights());
  std::vector<NamedTensor> tensors;
  for (const std::string& name : best.names())
    tensors.push_back({name, best.shape(name), best.tensor(name, elements(best.shape(name)))});
  std::map<std::string, std::string> metadata;
  for (const char* name : kShapeSettings)
    if (const auto found = settings.find(name); found != settings.end()) metadata.insert(*found);
  const std::string call = pyg_call(options, best);
  metadata["pyg"] = call;
  write_safetensors(file, tensors, metadata);
  return call;
}

}  // namespace kith
