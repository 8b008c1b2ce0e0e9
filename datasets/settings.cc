#include "kith/datasets/settings.h"

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/external/memory_budget.h"
#include "kith/datasets/import/registry.h"

namespace kith {
namespace {

using Type = Setting::Type;

void add_choice(Schema& schema, std::string name, std::vector<std::string> choices, std::string help) {
  Setting setting =
      setting_of("datasets", "prepare", std::move(name), Type::choice, choices.front(), std::move(help));
  setting.choices = std::move(choices);
  schema.add(std::move(setting));
}

void add_prepare_settings(Schema& schema) {
  auto add = [&](std::string name, Type type, std::string fallback, std::string help) {
    schema.add(
        setting_of("datasets", "prepare", std::move(name), type, std::move(fallback), std::move(help)));
  };
  std::vector<std::string> formats{"auto"};
  for (const ImportFormat& format : import_formats()) formats.emplace_back(format.name);
  add_choice(schema, "format", std::move(formats), "the raw format; auto recognises it");
  add("name", Type::text, "", "which of several data sets the folder holds (cora); also the store's name");
  add_choice(schema, "matrix-rows", {"auto", "sources", "destinations"},
             "what the rows of an adjacency matrix are; auto: destinations in indptr/indices, else sources");
  add("undirected", Type::boolean, "false", "add the reverse of every edge");
  add_choice(schema, "self-loops", {"auto", "add", "drop", "keep"},
             "what becomes of self-loops; auto drops them for planetoid and gnn-benchmark, else keeps them");
  add("largest-component", Type::boolean, "false", "keep only the largest connected component");
  add("edge-type", Type::text, "",
      "dgl-chunked, graphbolt: which edges, as source:relation:destination, where there are several types");
  add("nodes", Type::path, "",
      "a table of nodes beside the edges: .csv, .tsv, .txt (also .gz), .npz, .npy or a folder of .npy");
  add("node-id", Type::text, "",
      "--nodes: the column of ids; by default id, node or node_id, else row i is node i");
  add("label", Type::text, "",
      "--nodes: the column of labels, a pattern of 0/1 columns ('y*'), an array's name or an .npy; by "
      "default label");
  add("split-column", Type::text, "",
      "--nodes: the column of train, valid, test or nothing; by default split");
  add("features", Type::text, "rest",
      "--nodes: the columns of features ('f*,age'), an array's name, or rest");
  add_choice(schema, "feature-dtype", {"auto", "fp32", "fp16", "bf16", "int8"},
             "the type of stored features; auto keeps fp32, fp16, bf16 and int8 and makes others fp32");
  add_choice(schema, "normalize-features", {"none", "row"}, "row: divide every feature row by its sum");
  add_choice(schema, "reorder", {"none", "degree", "bfs", "community", "auto"},
             "the order of the rows: most neighbours first, breadth first, or communities side by side; "
             "auto: communities where a cache then "
             "serves more reads; ids stay");
  add("source-column", Type::text, "",
      "edge-list: the column of sources, by its header or its number from 1");
  add("destination-column", Type::text, "", "edge-list: the column of destinations, likewise");
  add("weight-column", Type::text, "", "edge-list: the column of edge weights, likewise; by default none");
  add_choice(
      schema, "ids", {"auto", "dense", "map"},
      "edge-list: auto keeps compact numbers and maps others and texts; dense keeps numbers; map maps all");
  Setting errors = setting_of("datasets", "prepare", "max-errors", Type::integer, "1",
                              "edge-list: how many bad lines to tell of before giving up");
  errors.minimum = 1;
  errors.maximum = 10'000;
  schema.add(std::move(errors));
  add("skip-bad-lines", Type::boolean, "false", "edge-list: leave bad lines out, count them and go on");
  add("memory-limit", Type::text, "",
      "bytes to stay below (2G); by default 80% of what the process may use. Lists of edges beyond it are "
      "sorted on disk");
  add("dry-run", Type::boolean, "false",
      "edge-list: print each phase's memory, disk and time, and write nothing");
  add("split", Type::text, "",
      "public, random:0.6/0.2/0.2[:seed], per-class:20/30[:seed] or mask:K; by default what the data bring");
}

void add_generate_settings(Schema& schema) {
  auto add = [&](std::string name, Type type, std::string fallback, std::string help, double low,
                 double high) {
    Setting setting =
        setting_of("datasets", "generate", std::move(name), type, std::move(fallback), std::move(help));
    setting.minimum = low;
    setting.maximum = high;
    schema.add(std::move(setting));
  };
  add("nodes", Type::integer, "10000", "number of nodes", 1, 1e12);
  add("scale", Type::integer, "0", "rmat: 2 to this power nodes; 0: --nodes says", 0, 39);
  add("degree", Type::real, "25", "mean degree; of rmat before equal edges merge", 0.1, 1e5);
  add("communities", Type::integer, "16", "planted: number of communities, of equal size", 1, 1e12);
  add("features", Type::integer, "64", "features of a node: its class's mean plus noise; rmat: 0 for none", 0,
      1e6);
  add("classes", Type::integer, "16", "number of classes: communities modulo this, or equal regions of rmat",
      1, 1e9);
  add("mixing", Type::real, "0.2", "planted: fraction of the edges that leave their community", 0, 1);
  add("feature-noise", Type::real, "1", "standard deviation of a feature; class means are unit vectors", 0,
      1e6);
  add("label-noise", Type::real, "0.05", "fraction of the nodes that carry another class than their own", 0,
      1);
  add("seed", Type::integer, "0", "key of all random numbers", 0, 9e15);
  schema.add(setting_of("datasets", "generate", "split", Type::text, "random:0.1/0.1/0.8",
                        "random:0.1/0.1/0.8[:seed] or per-class:20/30[:seed]"));
}

LoopPolicy loop_policy(const std::string& text) {
  if (text == "add") return LoopPolicy::add;
  if (text == "drop") return LoopPolicy::drop;
  return text == "keep" ? LoopPolicy::keep : LoopPolicy::automatic;
}

EdgeTextOptions edge_text_options(const Settings& settings) {
  EdgeTextOptions options;
  const auto text_of_setting = [&](const char* name) {
    return settings.has_value(name) ? settings.text(name) : std::string();
  };
  options.source_column = text_of_setting("source-column");
  options.destination_column = text_of_setting("destination-column");
  options.weight_column = text_of_setting("weight-column");
  const std::string ids = settings.text("ids");
  options.ids = ids == "dense" ? IdPolicy::dense : ids == "map" ? IdPolicy::map : IdPolicy::automatic;
  options.max_errors = settings.integer("max-errors");
  options.skip_bad_lines = settings.boolean("skip-bad-lines");
  return options;
}

NodeTableOptions node_table(const Settings& settings) {
  const auto text_of_setting = [&](const char* name) {
    return settings.has_value(name) ? settings.text(name) : std::string();
  };
  return {text_of_setting("nodes"), text_of_setting("node-id"), text_of_setting("label"),
          text_of_setting("split-column"), text_of_setting("features")};
}

std::optional<DType> feature_dtype(const std::string& text) {
  for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::i8})
    if (text == name_of(type)) return type;
  return std::nullopt;
}

std::optional<Order> order_named(const std::string& text) {
  if (text == "auto") return std::nullopt;
  if (text == "degree") return Order::degree;
  if (text == "bfs") return Order::bfs;
  return text == "community" ? Order::community : Order::none;
}

/// A setting of another kind of graph would have no effect.
void refuse_others(const Settings& settings, std::string_view kind,
                   std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names)
    if (settings.is_set(name)) throw InputError(fmt::format("--{} does not apply to {}", name, kind));
}

}  // namespace

void add_dataset_settings(Schema& schema) {
  add_prepare_settings(schema);
  add_generate_settings(schema);
}

PrepareOptions prepare_options(const Settings& settings) {
  PrepareOptions options;
  options.format = settings.text("format");
  if (settings.has_value("name")) options.name = settings.text("name");
  if (const std::string rows = settings.text("matrix-rows"); rows != "auto")
    options.matrix_rows = rows == "sources" ? RowsAre::sources : RowsAre::destinations;
  options.undirected = settings.boolean("undirected");
  options.self_loops = loop_policy(settings.text("self-loops"));
  options.largest_component = settings.boolean("largest-component");
  if (settings.has_value("edge-type")) options.edge_type = settings.text("edge-type");
  options.nodes = node_table(settings);
  options.feature_dtype = feature_dtype(settings.text("feature-dtype"));
  options.normalize_features =
      settings.text("normalize-features") == "row" ? FeatureNorm::row : FeatureNorm::none;
  options.edge_text = edge_text_options(settings);
  if (settings.has_value("memory-limit"))
    options.memory_limit = bytes_of_text(settings.text("memory-limit"), "memory-limit");
  options.reorder = order_named(settings.text("reorder"));
  if (settings.has_value("split")) options.split = settings.text("split");
  return options;
}

PlantedOptions planted_options(const Settings& settings) {
  refuse_others(settings, "planted", {"scale"});
  PlantedOptions options;
  options.nodes = settings.integer("nodes");
  options.degree = settings.real("degree");
  options.communities = settings.integer("communities");
  options.features = settings.integer("features");
  options.classes = settings.integer("classes");
  options.mixing = settings.real("mixing");
  options.feature_noise = settings.real("feature-noise");
  options.label_noise = settings.real("label-noise");
  options.seed = static_cast<std::uint64_t>(settings.integer("seed"));
  options.split = parse_split(settings.text("split"), options.seed);
  return options;
}

RmatOptions rmat_options(const Settings& settings) {
  refuse_others(settings, "rmat", {"communities", "mixing"});
  const std::int64_t scale = settings.integer("scale");
  if (scale > 0 && settings.is_set("nodes")) throw InputError("write --nodes or --scale, not both");
  RmatOptions options;
  options.nodes = scale > 0 ? std::int64_t{1} << scale : settings.integer("nodes");
  options.degree = settings.real("degree");
  options.features = settings.integer("features");
  options.classes = settings.integer("classes");
  options.feature_noise = settings.real("feature-noise");
  options.label_noise = settings.real("label-noise");
  options.seed = static_cast<std::uint64_t>(settings.integer("seed"));
  options.split = parse_split(settings.text("split"), options.seed);
  return options;
}

}  // namespace kith
