#include "kith/datasets/import/registry.h"

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/settings.h"
#include "kith/datasets/import/formats.h"
#include "kith/datasets/text/text_source.h"

namespace kith {
namespace {

/// In the order they are tried: the more particular first.
constexpr ImportFormat kFormats[] = {
    {"planetoid", "a folder of ind.NAME.x, .tx, .allx, .y, .ty, .ally, .graph, .test.index",
     recognises_planetoid, read_planetoid},
    {"gnn-benchmark", "an .npz of adj_*, attr_*, labels", recognises_gnn_benchmark, read_gnn_benchmark},
    {"heterophilous", "an .npz of node_features, node_labels, edges, *_masks", recognises_heterophilous,
     read_heterophilous},
    {"scipy", "an .npz of scipy.sparse.save_npz: format, shape, data", recognises_scipy, read_scipy},
    {"ogb", "a folder of raw/ (csv.gz or data.npz) and split/", recognises_ogb, read_ogb},
    {"dgl-chunked", "a folder of DGL's or GraphStorm's metadata.json and chunks", recognises_chunked,
     read_chunked},
    {"graphbolt", "a folder of GraphBolt's metadata.yaml", recognises_graphbolt, read_graphbolt},
    {"npy", "a folder of .npy files: indptr, indices or edges; features, labels, …", recognises_npy,
     read_npy},
    {"npz", "an .npz of the same arrays", recognises_npz, read_npz},
    {"matrix-market", "a Matrix Market file: .mtx, also .gz", recognises_matrix_market, read_matrix_market},
    {"metis", "a METIS graph file: .graph, .metis, also .gz", recognises_metis, read_metis},
    {"edge-list",
     "text, one edge a line: .txt, .csv, .tsv, .edges, also .gz, .zst; a pattern ('edges-*.csv') names "
     "several",
     recognises_edge_list, read_edge_list},
};

const ImportFormat& named(const std::string& name) {
  std::vector<std::string> known{"auto"};
  for (const ImportFormat& format : kFormats) {
    if (format.name == name) return format;
    known.emplace_back(format.name);
  }
  throw InputError(fmt::format("--format {}: no such format; {}", name, nearest_or_all(name, known)));
}

const ImportFormat& recognised(const std::filesystem::path& raw, const ImportRequest& request) {
  std::string seen;
  for (const ImportFormat& format : kFormats) {
    if (format.recognises(raw, request)) return format;
    seen += fmt::format("\n  {:<18}{}", format.name, format.looks_like);
  }
  throw InputError(
      fmt::format("{}: in no format that Kith reads (name one with --format):{}", raw.string(), seen));
}

/// Planetoid data are named by a path that is the beginning of several files.
bool is_prefix_or_file(const std::filesystem::path& raw) {
  return std::filesystem::exists(raw) || std::filesystem::exists(raw.string() + ".graph") || is_pattern(raw);
}

}  // namespace

std::span<const ImportFormat> import_formats() { return kFormats; }

RawDataset import_dataset(const std::filesystem::path& raw, const ImportRequest& request) {
  if (!is_prefix_or_file(raw))
    throw InputError(fmt::format("{}: there is no such file or folder", raw.string()));
  const ImportFormat& format = request.format == "auto" ? recognised(raw, request) : named(request.format);
  RawDataset data = format.read(raw, request);
  if (request.split && request.split->kind == SplitSpec::Kind::mask && format.name != "heterophilous")
    throw InputError(fmt::format("--split {}: format {} has one split, not several", text_of(*request.split),
                                 format.name));
  data.format = format.name;
  return data;
}

}  // namespace kith
