#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/datasets/import/feature_dtype.h"
#include "kith/datasets/import/raw_dataset.h"

// Every check finds the first offender, whatever the number of threads: chunks report their first, the
// reduction keeps the smallest.

namespace kith {
namespace {

constexpr std::int64_t kGrain = 1 << 16;
constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

/// The smallest i in [0, count) with bad(i), or kNone.
template <class Bad>
std::int64_t first_bad(std::int64_t count, Bad&& bad) {
  return parallel_reduce(
      0, count, kGrain, kNone,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          if (bad(i)) return i;
        return kNone;
      },
      [](std::int64_t a, std::int64_t b) { return std::min(a, b); });
}

std::string place(const std::string& file, std::string_view fallback) {
  return file.empty() ? std::string(fallback) : file;
}

void expect_size(const std::string& file, std::string_view what, std::int64_t size, std::int64_t wanted,
                 std::string_view of) {
  if (size != wanted)
    throw InputError(fmt::format("{}: {} {}, but {} {}", place(file, what), size, what, wanted, of));
}

template <class Index>
void validate_edges(const OwnedColumns<Index>& edges, const RawDataset& raw) {
  expect_size(raw.from.edges, "destinations", edges.destination.ssize(), edges.source.ssize(), "sources");
  const auto n = raw.nodes;
  auto outside = [n](Index id) { return id < 0 || id >= n; };
  const std::int64_t bad = first_bad(edges.source.ssize(), [&](std::int64_t e) {
    return outside(edges.source[e]) || outside(edges.destination[e]);
  });
  if (bad == kNone) return;
  const bool at_source = outside(edges.source[bad]);
  throw InputError(fmt::format("{}: edge {}: {} {} is outside [0, {})", place(raw.from.edges, "edges"), bad,
                               at_source ? "source" : "destination",
                               at_source ? edges.source[bad] : edges.destination[bad], n));
}

void validate_features(const RawDataset& raw) {
  const RawFeatures& features = raw.features;
  if (features.cols == 0) return;
  expect_size(raw.from.features, "feature rows", features.rows, raw.nodes, "nodes");
  if (features.fill) return;  // made by us
  if (features.dtype == DType::i8)
    expect_size(raw.from.features, "feature scales", features.scales.ssize(), features.rows, "feature rows");
  const std::int64_t bad = first_bad(features.rows * features.cols, [&](std::int64_t i) {
    return !std::isfinite(feature_value(features, i));
  });
  if (bad != kNone)
    throw InputError(fmt::format("{}: row {}, column {}: {} is not finite",
                                 place(raw.from.features, "features"), bad / features.cols,
                                 bad % features.cols, feature_value(features, bad)));
}

void validate_labels(const RawDataset& raw) {
  const std::string where = place(raw.from.labels, "labels");
  if (!raw.classes.empty()) {
    expect_size(raw.from.labels, "labels", raw.classes.ssize(), raw.nodes, "nodes");
    const std::int64_t bad = first_bad(raw.classes.ssize(), [&](std::int64_t i) {
      return raw.classes[i] < -1 || raw.classes[i] >= raw.class_count;
    });
    if (bad != kNone)
      throw InputError(fmt::format("{}: node {}: label {} is outside [-1, {})", where, bad, raw.classes[bad],
                                   raw.class_count));
  }
  if (raw.multi_labels.empty()) return;
  expect_size(raw.from.labels, "labels", raw.multi_labels.ssize(), raw.nodes * raw.class_count,
              "nodes × classes");
  const std::int64_t bad = first_bad(raw.multi_labels.ssize(), [&](std::int64_t i) {
    const float value = raw.multi_labels[i];
    return !(value == 0 || value == 1 || std::isnan(value));
  });
  if (bad != kNone)
    throw InputError(fmt::format("{}: node {}, class {}: {} is none of 0, 1, NaN", where,
                                 bad / raw.class_count, bad % raw.class_count, raw.multi_labels[bad]));
}

void validate_split(const RawDataset& raw) {
  const std::span<const std::int64_t> ids[3] = {raw.split.train, raw.split.valid, raw.split.test};
  constexpr std::string_view names[3] = {"train", "valid", "test"};
  if (ids[0].empty() && ids[1].empty() && ids[2].empty()) return;
  Array<std::uint8_t> owner(static_cast<std::size_t>(raw.nodes), std::uint8_t{0});
  for (int s = 0; s < 3; ++s) {
    for (std::size_t i = 0; i < ids[s].size(); ++i) {
      const std::int64_t id = ids[s][i];
      const std::string where = place(raw.from.split[s], names[s]);
      if (id < 0 || id >= raw.nodes)
        throw InputError(fmt::format("{}: entry {}: id {} is outside [0, {})", where, i, id, raw.nodes));
      if (owner[id] != 0)
        throw InputError(
            fmt::format("{}: entry {}: node {} is in {} already", where, i, id, names[owner[id] - 1]));
      owner[id] = static_cast<std::uint8_t>(s + 1);
    }
  }
}

void validate_weights(const RawDataset& raw) {
  if (raw.edge_weights.empty()) return;
  expect_size(raw.from.edge_weights, "edge weights", raw.edge_weights.ssize(), edge_count(raw.edges),
              "edges");
  const std::int64_t bad = first_bad(raw.edge_weights.ssize(),
                                     [&](std::int64_t e) { return !std::isfinite(raw.edge_weights[e]); });
  if (bad != kNone)
    throw InputError(fmt::format("{}: edge {}: {} is not finite",
                                 place(raw.from.edge_weights, "edge weights"), bad, raw.edge_weights[bad]));
}

}  // namespace

std::int64_t edge_count(const RawEdges& edges) {
  return std::visit([](const auto& columns) { return columns.source.ssize(); }, edges);
}

void validate(const RawDataset& raw) {
  if (raw.nodes < 1) throw InputError(fmt::format("{}: no nodes", place(raw.from.edges, "edges")));
  std::visit([&](const auto& columns) { validate_edges(columns, raw); }, raw.edges);
  validate_weights(raw);
  validate_features(raw);
  validate_labels(raw);
  validate_split(raw);
  if (!raw.node_ids.empty())
    expect_size(raw.from.node_ids, "node ids", raw.node_ids.ssize(), raw.nodes, "nodes");
  if (!raw.node_names.empty())
    expect_size(raw.from.node_ids, "node names", static_cast<std::int64_t>(raw.node_names.size()), raw.nodes,
                "nodes");
  if (!raw.names.empty()) expect_size(raw.from.node_ids, "node names", raw.names.size(), raw.nodes, "nodes");
}

}  // namespace kith
