#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/datasets/import/edge_pairs.h"
#include "kith/datasets/import/formats.h"
#include "kith/datasets/import/npz.h"
#include "kith/datasets/import/sparse_matrix.h"
#include "kith/datasets/import/text_table.h"

// raw/: edge, num-node-list, num-edge-list, node-feat, node-label as .csv.gz without headers; or data.npz and
// node-label.npz. split/<rule>/: train, valid, test as .csv.gz. Whether an edge stands once or in both
// directions is said by OGB's Python package, not by these files.

namespace kith {
namespace {

namespace fs = std::filesystem;

std::int64_t single_number(const fs::path& path) {
  const TextFile file(path);
  const auto table = parse_table<std::int64_t>(file, {});
  if (table.values.size() != 1)
    throw InputError(fmt::format("{}: {} numbers, not 1", file.where(), table.values.size()));
  return table.values[0];
}

/// A table of floats as an array view.
NpyView view_of(const TextTable<float>& table, const std::string& where) {
  NpyView view;
  view.header.dtype = DType::f32;
  view.header.shape = {table.rows, table.columns};
  view.data = std::as_bytes(table.values.span());
  view.where = where;
  return view;
}

void set_text_edges(RawDataset& raw, const fs::path& path) {
  const TextFile file(path);
  const auto table = parse_table<std::int64_t>(file, {});
  if (table.columns != 2) throw InputError(fmt::format("{}: {} columns, not 2", file.where(), table.columns));
  Array<std::int64_t> source(table.rows), destination(table.rows);
  for (std::int64_t e = 0; e < table.rows; ++e) {
    source[e] = table.values[2 * e];
    destination[e] = table.values[2 * e + 1];
  }
  raw.edges = edges_of(std::move(source), std::move(destination), raw.nodes);
  raw.from.edges = file.where();
}

/// One feature of an edge is its weight; several are no weight.
void set_text_weights(RawDataset& raw, const fs::path& path) {
  const TextFile file(path);
  auto table = parse_table<float>(file, {});
  raw.from.edge_weights = file.where();
  if (table.columns == 1)
    raw.edge_weights = std::move(table.values);
  else
    raw.notes.push_back(
        fmt::format("{} features an edge were left out: a store holds one weight", table.columns));
}

void expect_edges(const RawDataset& raw, std::int64_t count) {
  if (count != edge_count(raw.edges))
    throw InputError(
        fmt::format("{}: {} edges, but num-edge-list says {}", raw.from.edges, edge_count(raw.edges), count));
}

void read_text(RawDataset& raw, const fs::path& folder) {
  raw.nodes = single_number(folder / "num-node-list.csv.gz");
  if (has_name(folder / "node-feat.csv.gz")) {
    const TextFile file(folder / "node-feat.csv.gz");
    raw.features = features_of(view_of(parse_table<float>(file, {}), file.where()));
    raw.from.features = file.where();
  }
  if (has_name(folder / "node-label.csv.gz")) {
    const TextFile labels(folder / "node-label.csv.gz");
    set_labels(raw, view_of(parse_table<float>(labels, {}), labels.where()));
  }
  set_text_edges(raw, folder / "edge.csv.gz");
  if (has_name(folder / "edge-feat.csv.gz")) set_text_weights(raw, folder / "edge-feat.csv.gz");
  expect_edges(raw, single_number(folder / "num-edge-list.csv.gz"));
}

std::int64_t single_number(const NpzFile& file, std::string_view name) {
  const NpzArray array = file.array(name);
  array.view.expect_shape({1});
  return array.view.copied<std::int64_t>()[0];
}

void read_binary(RawDataset& raw, const fs::path& folder) {
  const NpzFile data(folder / "data.npz"), labels(folder / "node-label.npz");
  raw.nodes = single_number(data, "num_nodes_list");
  {
    const NpzArray edges = data.array("edge_index");
    auto [source, destination] = edge_pairs_of(edges.view);
    raw.edges = edges_of(std::move(source), std::move(destination), raw.nodes);
    raw.from.edges = edges.view.where;
  }
  expect_edges(raw, single_number(data, "num_edges_list"));
  if (data.has("node_feat")) {
    const NpzArray features = data.array("node_feat");
    raw.features = features_of(features.view);
    raw.from.features = features.view.where;
  }
  set_labels(raw, labels.array("node_label").view);
}

/// The only folder in split/.
fs::path split_folder(const fs::path& raw) {
  std::vector<fs::path> folders;
  if (fs::is_directory(raw / "split"))
    for (const auto& entry : fs::directory_iterator(raw / "split"))
      if (entry.is_directory()) folders.push_back(entry.path());
  if (folders.size() > 1)
    throw InputError(fmt::format("{}: {} splits; leave one", (raw / "split").string(), folders.size()));
  return folders.empty() ? fs::path() : folders.front();
}

void read_split(RawDataset& raw, const fs::path& folder) {
  const std::pair<const char*, Array<std::int64_t>*> splits[] = {
      {"train", &raw.split.train}, {"valid", &raw.split.valid}, {"test", &raw.split.test}};
  for (int s = 0; s < 3; ++s) {
    const TextFile file(folder / fmt::format("{}.csv.gz", splits[s].first));
    auto table = parse_table<std::int64_t>(file, {});
    if (table.columns != 1)
      throw InputError(fmt::format("{}: {} columns, not 1", file.where(), table.columns));
    raw.from.split[s] = file.where();
    *splits[s].second = std::move(table.values);
  }
}

void expect_nodes(const RawDataset& raw) {
  // The count is a number in a file: it must agree with an array before it sizes anything.
  auto expect = [&](const std::string& where, std::int64_t rows) {
    if (raw.nodes != rows)
      throw InputError(fmt::format("{}: {} rows, but num-node-list says {} nodes", where, rows, raw.nodes));
  };
  if (!raw.classes.empty()) return expect(raw.from.labels, raw.classes.ssize());
  if (raw.class_count > 0) return expect(raw.from.labels, raw.multi_labels.ssize() / raw.class_count);
  if (raw.features.cols > 0) return expect(raw.from.features, raw.features.rows);
  if (raw.nodes > plausible_nodes(edge_count(raw.edges)))
    throw InputError(fmt::format("{}: {} edges, but num-node-list says {} nodes", raw.from.edges,
                                 edge_count(raw.edges), raw.nodes));
}

}  // namespace

bool recognises_ogb(const fs::path& raw, const ImportRequest&) {
  return fs::exists(raw / "raw" / "edge.csv.gz") || fs::exists(raw / "raw" / "data.npz");
}

RawDataset read_ogb(const fs::path& raw, const ImportRequest&) {
  RawDataset data;
  data.name = raw.filename().string();
  const fs::path folder = raw / "raw";
  if (fs::exists(folder / "data.npz"))
    read_binary(data, folder);
  else
    read_text(data, folder);
  expect_nodes(data);
  if (const fs::path split = split_folder(raw); !split.empty()) read_split(data, split);
  data.notes.push_back(
      "the raw files do not say whether edges stand once; if they do, --undirected adds the reverse");
  return data;
}

}  // namespace kith
