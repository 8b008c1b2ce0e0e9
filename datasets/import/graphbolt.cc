#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/datasets/import/chunks.h"
#include "kith/datasets/import/formats.h"
#include "kith/datasets/import/named_arrays.h"
#include "kith/datasets/import/node_arrays.h"
#include "kith/datasets/import/sparse_matrix.h"
#include "kith/datasets/import/yaml.h"

// The input of dgl.graphbolt.OnDiskDataset (DGL 2): metadata.yaml names edges (csv or `.npy` [2, E]), feature
// data by domain, type and name, and tasks with a train, validation and test set of seeds and their labels.
// Labels come from node data called label, where there is some, else from the sets.

namespace kith {
namespace {

namespace fs = std::filesystem;

constexpr double kMostId = 9007199254740992;  // 2^53: above, real numbers skip whole ones

/// A YAML node with where it stands, for messages.
class Entry {
 public:
  Entry(const Yaml& yaml, const fs::path& file) : yaml_(&yaml), file_(&file) {}
  [[noreturn]] void fail(const std::string& why) const {
    throw InputError(fmt::format("{}:{}: {}", file_->string(), yaml_->line, why));
  }
  bool has(std::string_view key) const {
    const Yaml* found = yaml_->find(key);
    return found != nullptr && found->kind != Yaml::Kind::nothing;
  }
  Entry at(std::string_view key) const {
    if (!has(key)) fail(fmt::format("no \"{}\" here", key));
    return {*yaml_->find(key), *file_};
  }
  std::string text() const {
    if (yaml_->kind != Yaml::Kind::text) fail("a text is expected");
    return yaml_->text;
  }
  std::string text_at(std::string_view key, std::string_view fallback = "") const {
    return has(key) ? at(key).text() : std::string(fallback);
  }
  std::int64_t number() const {
    std::int64_t value = 0;
    const std::string digits = text();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || value < 0)
      fail(fmt::format("\"{}\" is no count", digits.substr(0, 40)));
    return value;
  }
  /// The entries of a list; of nothing, none.
  std::vector<Entry> list(std::string_view key) const {
    std::vector<Entry> entries;
    if (!has(key)) return entries;
    const Yaml& found = *yaml_->find(key);
    if (found.kind != Yaml::Kind::list) Entry(found, *file_).fail(fmt::format("\"{}\" is no list", key));
    for (const Yaml& item : found.items) entries.emplace_back(item, *file_);
    return entries;
  }
  /// The file that this entry names.
  Chunks chunks() const {
    const std::string where = fmt::format("{}:{}", file_->string(), yaml_->line);
    return {
        text_at("format", "numpy"), ',', {file_inside(file_->parent_path(), text_at("path"), where)}, where};
  }

 private:
  const Yaml* yaml_;
  const fs::path* file_;
};

/// One node type and one edge type, or the one that --edge-type names.
Entry edges_of_type(const Entry& graph, const ImportRequest& request) {
  const std::vector<Entry> edges = graph.list("edges");
  std::string types;
  for (const Entry& entry : edges) {
    const std::string type = entry.text_at("type");
    if (edges.size() == 1 && request.edge_type.empty()) return entry;
    if (!request.edge_type.empty() && type == request.edge_type) return entry;
    types += (types.empty() ? "" : ", ") + type;
  }
  if (edges.empty()) graph.fail("no edges are named");
  graph.fail(request.edge_type.empty()
                 ? fmt::format("{} types of edges ({}); --edge-type chooses one of a homogeneous graph",
                               edges.size(), types)
                 : fmt::format("no edges of type \"{}\"; there are {}", request.edge_type, types));
}

/// The type of the nodes that the chosen edges join: "" in a graph of one type.
std::string node_type(const Entry& edges) {
  const std::string type = edges.text_at("type");
  if (type.empty()) return "";
  const std::size_t first = type.find(':'), last = type.rfind(':');
  const std::string source = type.substr(0, first), destination = type.substr(last + 1);
  if (first == std::string::npos || first == last)
    edges.fail(fmt::format("type \"{}\" is not source:relation:destination", type));
  if (source != destination)
    edges.fail(fmt::format(
        "edges of type \"{}\" join nodes of two types ({} and {}); Kith trains graphs of one type", type,
        source, destination));
  return source;
}

std::int64_t node_count(const Entry& graph, const std::string& type) {
  for (const Entry& entry : graph.list("nodes"))
    if (entry.text_at("type") == type || (type.empty() && graph.list("nodes").size() == 1))
      return entry.at("num").number();
  graph.fail(fmt::format("no nodes of type \"{}\" are counted", type));
}

/// The data of a domain and type under one of the names; null when there are none.
template <std::size_t N>
const Entry* data_named(const std::vector<Entry>& data, std::string_view domain, const std::string& type,
                        const char* const (&names)[N], const std::string& asked) {
  auto fits = [&](const Entry& entry, std::string_view name) {
    return entry.text_at("domain") == domain && entry.text_at("name") == name &&
           (type.empty() || entry.text_at("type") == type);
  };
  if (!asked.empty()) {
    for (const Entry& entry : data)
      if (fits(entry, asked)) return &entry;
    return nullptr;
  }
  for (const char* name : names)
    for (const Entry& entry : data)
      if (fits(entry, name)) return &entry;
  return nullptr;
}

/// What one of the three sets says.
struct Seeds {
  Array<std::int64_t> ids;
  Array<float> labels;  ///< [ids, columns]
  std::int64_t columns = 0;
};

Seeds seeds_of(const Entry& task, std::string_view key, const std::string& type, std::string& where) {
  Seeds seeds;
  for (const Entry& set : task.list(key)) {
    if (!type.empty() && set.has("type") && set.text_at("type") != type) continue;
    for (const Entry& data : set.list("data")) {
      const std::string name = data.text_at("name");
      if (name == "seeds" || name == "seed_nodes") {
        where = data.chunks().files.front().string();
        with_array(data.chunks(), [&](const NpyView& view) {
          if (view.header.shape.size() != 1)
            data.fail(fmt::format("{} is {}: pairs of nodes, so no task of node classification", name,
                                  describe(view.header)));
          const Array<double> ids = view.copied<double>();
          seeds.ids = Array<std::int64_t>(ids.size());
          for (std::int64_t i = 0; i < ids.ssize(); ++i) {
            // Of text the ids come as real numbers.
            if (!(std::abs(ids[i]) < kMostId) || ids[i] != std::floor(ids[i]))
              throw InputError(fmt::format("{}: entry {}: {} is no id", where, i, ids[i]));
            seeds.ids[i] = static_cast<std::int64_t>(ids[i]);
          }
        });
      } else if (name == "labels") {
        with_array(data.chunks(), [&](const NpyView& view) {
          seeds.columns = view.header.shape.size() == 2 ? view.header.shape[1] : 1;
          seeds.labels = view.copied<float>();
        });
      }
    }
  }
  if (seeds.columns > 0 && seeds.labels.ssize() != seeds.ids.ssize() * seeds.columns)
    throw InputError(fmt::format("{}: {} seeds, but {} × {} labels", where, seeds.ids.size(),
                                 seeds.labels.ssize() / seeds.columns, seeds.columns));
  return seeds;
}

/// Labels of the seeds, NaN for the other nodes.
void set_seed_labels(RawDataset& raw, const Seeds (&sets)[3]) {
  const std::int64_t columns = std::max({sets[0].columns, sets[1].columns, sets[2].columns});
  if (columns == 0) return;
  expect_room(raw.from.split[0], 4.0 * static_cast<double>(raw.nodes) * static_cast<double>(columns));
  Array<float> labels(static_cast<std::size_t>(raw.nodes * columns), std::nanf(""));
  for (int s = 0; s < 3; ++s)
    for (std::int64_t i = 0; sets[s].columns == columns && i < sets[s].ids.ssize(); ++i) {
      const std::int64_t id = sets[s].ids[i];
      if (id < 0 || id >= raw.nodes)
        throw InputError(
            fmt::format("{}: entry {}: id {} is outside [0, {})", raw.from.split[s], i, id, raw.nodes));
      std::copy_n(sets[s].labels.data() + i * columns, columns, labels.data() + id * columns);
    }
  NpyView view;
  view.header.dtype = DType::f32;
  view.header.shape = {raw.nodes, columns};
  view.data = std::as_bytes(labels.span());
  view.where = raw.from.split[0] + ": labels";
  set_labels(raw, view);
}

void set_tasks(RawDataset& raw, const Entry& root, const std::string& type) {
  const std::vector<Entry> tasks = root.list("tasks");
  const Entry* chosen = nullptr;
  for (const Entry& task : tasks)
    if (chosen == nullptr || task.text_at("name") == "node_classification") chosen = &task;
  if (chosen == nullptr) return;
  constexpr std::string_view kKeys[3] = {"train_set", "validation_set", "test_set"};
  Seeds sets[3];
  for (int s = 0; s < 3; ++s) sets[s] = seeds_of(*chosen, kKeys[s], type, raw.from.split[s]);
  if (raw.class_count == 0) set_seed_labels(raw, sets);
  raw.split.train = std::move(sets[0].ids);
  raw.split.valid = std::move(sets[1].ids);
  raw.split.test = std::move(sets[2].ids);
}

fs::path metadata_in(const fs::path& raw) { return fs::is_directory(raw) ? raw / "metadata.yaml" : raw; }

void set_data(RawDataset& data, const Entry& root, const Entry& graph, const std::string& type,
              const ImportRequest& request) {
  const std::vector<Entry> node_data = root.list("feature_data");
  if (const Entry* entry = data_named(node_data, "node", type, kFeatureNames, request.features))
    with_array(entry->chunks(), [&](const NpyView& view) {
      data.features = features_of(view);
      data.from.features = view.where;
    });
  else if (!request.features.empty())
    root.fail(fmt::format("--features {}: no node data of that name", request.features));
  if (const Entry* entry = data_named(node_data, "node", type, kLabelNames, request.label))
    with_array(entry->chunks(), [&](const NpyView& view) { set_labels(data, view); });
  if (const Entry* entry = data_named(node_data, "node", type, kIdNames, ""))
    with_array(entry->chunks(), [&](const NpyView& view) {
      data.node_ids = ids_of(view);
      data.from.node_ids = view.where;
    });
  constexpr const char* kWeightNames[] = {"weight", "weights", "edge_weight"};
  const std::vector<Entry> edge_data = graph.list("feature_data");
  if (const Entry* entry = data_named(edge_data, "edge", "", kWeightNames, ""))
    with_array(entry->chunks(), [&](const NpyView& view) {
      view.expect_shape({-1});
      data.edge_weights = view.copied<float>();
      data.from.edge_weights = view.where;
    });
}

}  // namespace

bool recognises_graphbolt(const fs::path& raw, const ImportRequest&) {
  return fs::is_regular_file(raw / "metadata.yaml") || raw.filename() == "metadata.yaml";
}

RawDataset read_graphbolt(const fs::path& raw, const ImportRequest& request) {
  const fs::path file = metadata_in(raw);
  const Yaml yaml = parse_yaml(read_text_file(file, 1 << 20), file.string());
  const Entry root(yaml, file);
  if (root.has("graph_topology"))
    root.fail(
        "a data set that GraphBolt preprocessed (its graph is a PyTorch file); name the folder above it");
  const Entry graph = root.at("graph");
  const Entry edges = edges_of_type(graph, request);
  const std::string type = node_type(edges);
  RawDataset data;
  data.name = root.text_at("dataset_name", file.parent_path().filename().string());
  data.nodes = node_count(graph, type);
  data.from.edges = edges.chunks().files.front().string();
  auto [source, destination] = edges_of_chunks(edges.chunks());
  if (source.empty())
    throw InputError(fmt::format("{}: the file is empty: no line of edges", data.from.edges));
  if (data.nodes > plausible_nodes(source.ssize()))
    graph.fail(fmt::format("{} nodes for {} edges are more than {}", data.nodes, source.size(),
                           plausible_nodes(source.ssize())));
  data.edges = edges_of(std::move(source), std::move(destination), data.nodes);
  set_data(data, root, graph, type, request);
  set_tasks(data, root, type);
  return data;
}

}  // namespace kith
