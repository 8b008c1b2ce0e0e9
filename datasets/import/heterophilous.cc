#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/import/edge_pairs.h"
#include "kith/datasets/import/formats.h"
#include "kith/datasets/import/npz.h"
#include "kith/datasets/import/sparse_matrix.h"

namespace kith {
namespace {

/// The positions of true in row `mask` of a boolean [masks, nodes].
Array<std::int64_t> masked_ids(const NpyView& view, std::int64_t mask, std::int64_t nodes) {
  view.expect_shape({-1, nodes});
  if (mask >= view.rows())
    throw InputError(fmt::format("{}: mask {} is outside [0, {})", view.where, mask, view.rows()));
  const Array<std::int64_t> values = view.copied<std::int64_t>();
  Array<std::int64_t> ids(static_cast<std::size_t>(nodes));
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < nodes; ++i)
    if (values[mask * nodes + i] != 0) ids[count++] = i;
  ids.shrink(static_cast<std::size_t>(count));
  return ids;
}

}  // namespace

bool recognises_heterophilous(const std::filesystem::path& raw, const ImportRequest&) {
  return is_npz_with(raw, {"node_features", "node_labels", "edges", "train_masks"});
}

RawDataset read_heterophilous(const std::filesystem::path& raw, const ImportRequest& request) {
  const NpzFile file(raw);
  RawDataset data;
  data.name = raw.stem().string();
  data.meant_undirected = true;
  const NpzArray features = file.array("node_features"), edges = file.array("edges");
  data.features = features_of(features.view);
  data.from.features = features.view.where;
  data.nodes = data.features.rows;
  auto [source, destination] = edge_pairs_of(edges.view);
  data.edges = edges_of(std::move(source), std::move(destination), data.nodes);
  data.from.edges = edges.view.where;
  set_labels(data, file.array("node_labels").view);
  const std::int64_t mask =
      request.split && request.split->kind == SplitSpec::Kind::mask ? request.split->mask : 0;
  data.split.train = masked_ids(file.array("train_masks").view, mask, data.nodes);
  data.split.valid = masked_ids(file.array("val_masks").view, mask, data.nodes);
  data.split.test = masked_ids(file.array("test_masks").view, mask, data.nodes);
  return data;
}

}  // namespace kith
