#include "kith/datasets/import/named_arrays.h"

#include <memory>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/datasets/import/edge_pairs.h"
#include "kith/datasets/import/formats.h"
#include "kith/datasets/import/sparse_matrix.h"
#include "kith/datasets/npy_file.h"

namespace kith {
namespace {

void set_csr(RawDataset& raw, const NamedArrays& arrays, RowsAre rows_are) {
  SparseMatrix matrix;
  matrix.where = arrays.where;
  arrays.with("indptr", [&](const NpyView& view) {
    view.expect_shape({-1});
    matrix.indptr = view.copied<std::int64_t>();
    raw.from.edges = view.where;
  });
  arrays.with("indices", [&](const NpyView& view) {
    view.expect_shape({-1});
    matrix.indices = view.copied<std::int64_t>();
  });
  if (matrix.indptr.empty()) throw InputError(raw.from.edges + ": empty");
  matrix.rows = matrix.cols = matrix.indptr.ssize() - 1;
  check(matrix);
  raw.nodes = matrix.rows;
  raw.edges = edges_of(matrix, rows_are);
}

void set_edges(RawDataset& raw, const NamedArrays& arrays) {
  arrays.with("edges", [&](const NpyView& view) {
    raw.from.edges = view.where;
    if (raw.nodes == 0) raw.nodes = nodes_spanned(view);
    raw.edges = edges_of_pairs(view, raw.nodes);
  });
}

/// What a list of edges does not tell: isolated nodes at the end. An array with a row per node does.
std::int64_t nodes_of_rows(const NamedArrays& arrays) {
  std::int64_t nodes = 0;
  for (const char* name : {"features", "features_bf16", "labels", "node_ids"})
    if (nodes == 0 && arrays.has(name)) arrays.with(name, [&](const NpyView& view) { nodes = view.rows(); });
  return nodes;
}

/// The user's names as one blob with offsets, as in the store.
void set_names(RawDataset& raw, const NamedArrays& arrays) {
  Array<std::int64_t> offsets;
  arrays.with("node_name_offsets", [&](const NpyView& view) {
    view.expect_shape({-1});
    offsets = view.copied<std::int64_t>();
    raw.from.node_ids = view.where;
  });
  arrays.with("node_names", [&](const NpyView& view) {
    view.expect_dtype(DType::u8);
    const std::string_view blob(reinterpret_cast<const char*>(view.data.data()), view.data.size());
    for (std::int64_t i = 0; i + 1 < offsets.ssize(); ++i) {
      const std::int64_t begin = offsets[i], end = offsets[i + 1];
      if (begin < 0 || end < begin || end > static_cast<std::int64_t>(blob.size()))
        throw InputError(fmt::format("{}: entry {}: [{}, {}) is outside the {} bytes of node_names",
                                     raw.from.node_ids, i, begin, end, blob.size()));
      raw.node_names.emplace_back(blob.substr(begin, end - begin));
    }
  });
}

void set_node_arrays(RawDataset& raw, const NamedArrays& arrays) {
  if (arrays.has("features"))
    arrays.with("features", [&](const NpyView& view) {
      raw.features = features_of(view);
      raw.from.features = view.where;
    });
  if (arrays.has("features_bf16"))
    arrays.with("features_bf16", [&](const NpyView& view) {
      view.expect_dtype(DType::u16);
      NpyView brain = view;
      brain.header.dtype = DType::bf16;
      raw.features = features_of(brain);
      raw.from.features = view.where;
    });
  if (raw.features.dtype == DType::i8 && arrays.has("feature_scales"))
    arrays.with("feature_scales", [&](const NpyView& view) {
      view.expect_shape({-1});
      raw.features.scales = view.copied<float>();
    });
  if (arrays.has("labels")) arrays.with("labels", [&](const NpyView& view) { set_labels(raw, view); });
  if (arrays.has("node_ids"))
    arrays.with("node_ids", [&](const NpyView& view) {
      raw.node_ids = ids_of(view);
      raw.from.node_ids = view.where;
    });
  if (arrays.has("node_names") && arrays.has("node_name_offsets")) set_names(raw, arrays);
  if (arrays.has("edge_weights"))
    arrays.with("edge_weights", [&](const NpyView& view) {
      view.expect_shape({-1});
      raw.edge_weights = view.copied<float>();
      raw.from.edge_weights = view.where;
    });
}

void set_split(RawDataset& raw, const NamedArrays& arrays) {
  const std::pair<const char*, Array<std::int64_t>*> splits[] = {
      {"train", &raw.split.train}, {"valid", &raw.split.valid}, {"test", &raw.split.test}};
  for (int s = 0; s < 3; ++s)
    if (arrays.has(splits[s].first))
      arrays.with(splits[s].first, [&](const NpyView& view) {
        *splits[s].second = ids_of(view);
        raw.from.split[s] = view.where;
      });
}

}  // namespace

NamedArrays arrays_in_folder(const std::filesystem::path& folder) {
  auto path = [folder](const std::string& name) { return folder / (name + ".npy"); };
  return {folder.string(), [=](const std::string& name) { return has_name(path(name)); },
          [=](const std::string& name, const auto& use) { use(view_of_file(path(name))); }};
}

NamedArrays arrays_in_npz(const std::filesystem::path& file) {
  auto npz = std::make_shared<const NpzFile>(file);
  return {file.string(), [=](const std::string& name) { return npz->has(name); },
          [=](const std::string& name, const auto& use) { use(npz->array(name).view); }};
}

bool has_graph(const NamedArrays& arrays) {
  return arrays.has("edges") || (arrays.has("indptr") && arrays.has("indices"));
}

RawDataset dataset_of(const NamedArrays& arrays, RowsAre rows_are) {
  if (!has_graph(arrays)) throw InputError(arrays.where + ": neither edges nor indptr and indices are there");
  RawDataset raw;
  if (arrays.has("indptr")) {
    set_csr(raw, arrays, rows_are);
  } else {
    raw.nodes = nodes_of_rows(arrays);
    set_edges(raw, arrays);
  }
  set_node_arrays(raw, arrays);
  set_split(raw, arrays);
  return raw;
}

bool recognises_npy(const std::filesystem::path& raw, const ImportRequest&) {
  return std::filesystem::is_directory(raw) && has_graph(arrays_in_folder(raw));
}
RawDataset read_npy(const std::filesystem::path& raw, const ImportRequest& request) {
  if (!std::filesystem::is_directory(raw)) throw InputError(raw.string() + ": no folder of .npy files");
  RawDataset data = dataset_of(arrays_in_folder(raw), rows_of(request, RowsAre::destinations));
  data.name = raw.filename().string();
  return data;
}

bool recognises_npz(const std::filesystem::path& raw, const ImportRequest&) {
  return is_npz_with(raw, {"indptr", "indices"}) || is_npz_with(raw, {"edges"});
}
RawDataset read_npz(const std::filesystem::path& raw, const ImportRequest& request) {
  RawDataset data = dataset_of(arrays_in_npz(raw), rows_of(request, RowsAre::destinations));
  data.name = raw.stem().string();
  return data;
}

}  // namespace kith
