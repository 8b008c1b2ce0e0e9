#include <fmt/format.h>

#include "kith/core/file.h"
#include "kith/datasets/export/writers.h"
#include "kith/datasets/npy_file.h"

// The input of dgl.graphbolt.OnDiskDataset (DGL 2): metadata.yaml names the `.npy` files of edges [2, E],
// node data and the three sets of seeds with their labels. Labels of all nodes are node data too, so that
// those in no set are not lost.

namespace kith {
namespace {

namespace fs = std::filesystem;

void write_edges(const Store& store, const fs::path& path) {
  NpyWriter file(path, DType::i64, {2, store.meta().edges});
  write_sources(store, file);
  write_destinations(store, file);
  file.finish();
}

void write_label_rows(const LabelView& labels, std::span<const std::int64_t> nodes, const fs::path& path) {
  const auto count = static_cast<std::int64_t>(nodes.size());
  if (!labels.multi_label()) {
    std::vector<std::int64_t> values;
    for (const std::int64_t node : nodes) values.push_back(labels.classes[node]);
    write_npy(path, std::span<const std::int64_t>(values));
    return;
  }
  NpyWriter file(path, DType::f32, {count, labels.count});
  for (const std::int64_t node : nodes)
    file.write_values(labels.multi.subspan(node * labels.count, labels.count));
  file.finish();
}

/// A line of node or edge data in the YAML.
std::string data_entry(std::string_view domain, std::string_view name, std::string_view path) {
  return fmt::format("  - domain: {}\n    name: {}\n    format: numpy\n    in_memory: true\n    path: {}\n",
                     domain, name, path);
}

std::string node_data(const Store& store, const fs::path& out, ExportNotes& notes) {
  const LabelView labels = store.labels();
  std::string yaml;
  if (store.meta().features > 0) {
    write_plain_features(store, out / "data/feat.npy", notes);
    yaml += data_entry("node", "feat", "data/feat.npy");
  }
  if (!labels.classes.empty()) write_npy(out / "data/label.npy", labels.classes);
  if (labels.multi_label())
    write_npy(out / "data/label.npy", DType::f32, {store.meta().nodes, labels.count},
              std::as_bytes(labels.multi));
  if (store.meta().classes > 0) yaml += data_entry("node", "label", "data/label.npy");
  const UserIdView ids = store.user_ids();
  if (!ids.numbers.empty()) {
    write_npy(out / "data/user_id.npy", ids.numbers);
    yaml += data_entry("node", "user_id", "data/user_id.npy");
  } else if (ids.any()) {
    notes.push_back("the nodes' names were left out: nodes are numbered as in the store");
  }
  return yaml.empty() ? "feature_data: []\n" : "feature_data:\n" + yaml;
}

std::string set_of(const Store& store, Split split, std::string_view key, const fs::path& out) {
  const auto nodes = store.split(split);
  const std::string seeds = fmt::format("set/{}_seeds.npy", name_of(split)),
                    labels = fmt::format("set/{}_labels.npy", name_of(split));
  write_npy(out / seeds, nodes);
  std::string yaml = fmt::format("    {}:\n      - data:\n", key);
  const auto entry = [](std::string_view name, const std::string& path) {
    return fmt::format(
        "          - name: {}\n            format: numpy\n            in_memory: true\n            path: "
        "{}\n",
        name, path);
  };
  yaml += entry("seeds", seeds);
  if (store.meta().classes == 0) return yaml;
  write_label_rows(store.labels(), nodes, out / labels);
  return yaml + entry("labels", labels);
}

/// A scalar in double quotes: names may hold anything.
std::string yaml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out + "\"";
}

}  // namespace

void write_graphbolt(const Store& store, const fs::path& out, ExportNotes& notes) {
  for (const char* folder : {"edges", "data", "set"}) fs::create_directories(out / folder);
  write_edges(store, out / "edges/edges.npy");
  std::string yaml = fmt::format(
      "dataset_name: {}\ngraph:\n  nodes:\n  - num: {}\n  edges:\n  - format: numpy\n    path: "
      "edges/edges.npy\n",
      yaml_text(store.meta().name), store.meta().nodes);
  if (!store.edge_weights().empty()) {
    write_npy(out / "data/weight.npy", store.edge_weights());
    yaml += "  feature_data:\n" + data_entry("edge", "weight", "data/weight.npy");
  }
  yaml += node_data(store, out, notes);
  yaml += "tasks:\n  - name: node_classification\n";
  yaml += fmt::format("    num_classes: {}\n", store.meta().classes);
  yaml += set_of(store, Split::train, "train_set", out);
  yaml += set_of(store, Split::valid, "validation_set", out);
  yaml += set_of(store, Split::test, "test_set", out);
  write_text_file(out / "metadata.yaml", yaml);
}

}  // namespace kith
