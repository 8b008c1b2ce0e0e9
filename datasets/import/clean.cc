#include "kith/datasets/import/clean.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/datasets/import/feature_dtype.h"
#include "kith/graph/properties.h"

namespace kith {
namespace {

constexpr std::int64_t kRowGrain = 256;

/// Puts the weight of every raw edge where its entry stands in the finished rows. Built from the rows' side
/// by binary search, in edge order, so the first of several parallel edges wins.
template <class Index>
Array<float> placed_weights(CsrView<Index> csr, const OwnedColumns<Index>& edges,
                            std::span<const float> weights, bool undirected) {
  constexpr float kUnset = std::numeric_limits<float>::quiet_NaN();
  Array<float> placed(csr.indices.size(), kUnset);
  auto place = [&](Index source, Index destination, float weight) {
    const auto row = csr.row(destination);
    const auto found = std::lower_bound(row.begin(), row.end(), source);
    if (found == row.end() || *found != source) return;  // a dropped self-loop
    float& slot = placed[csr.indptr[destination] + (found - row.begin())];
    if (std::isnan(slot)) slot = weight;
  };
  for (std::size_t e = 0; e < weights.size(); ++e) place(edges.source[e], edges.destination[e], weights[e]);
  if (undirected)
    for (std::size_t e = 0; e < weights.size(); ++e) place(edges.destination[e], edges.source[e], weights[e]);
  for (float& weight : placed)
    if (std::isnan(weight)) weight = 1;
  return placed;
}

template <class T>
Array<T> selected(std::span<const T> values, std::span<const std::int64_t> rows, std::int64_t width) {
  if (values.empty()) return {};
  Array<T> out(rows.size() * static_cast<std::size_t>(width));
  parallel_for(0, static_cast<std::int64_t>(rows.size()), kRowGrain,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i)
                   std::copy_n(values.data() + rows[i] * width, width, out.data() + i * width);
               });
  return out;
}

template <class T>
Array<T> selected(const Array<T>& values, std::span<const std::int64_t> rows, std::int64_t width) {
  return selected(values.span(), rows, width);
}

Array<std::int64_t> renumbered(const Array<std::int64_t>& ids, std::span<const std::int64_t> number) {
  std::vector<std::int64_t> kept;
  for (const std::int64_t id : ids)
    if (number[id] >= 0) kept.push_back(number[id]);
  return copy_of(std::span<const std::int64_t>(kept));
}

NodeNames selected(const NodeNames& names, std::span<const std::int64_t> rows) {
  NodeNames out{Array<std::int64_t>(rows.size() + 1), {}};
  for (std::size_t i = 0; i < rows.size(); ++i)
    out.offsets[i] = names.offsets[rows[i] + 1] - names.offsets[rows[i]];
  out.offsets.back() = 0;
  out.bytes = Array<std::uint8_t>(
      static_cast<std::size_t>(exclusive_prefix_sum(out.offsets.data(), out.offsets.ssize())));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string_view name = names[rows[i]];
    std::copy_n(name.data(), name.size(), out.bytes.data() + out.offsets[i]);
  }
  return out;
}

/// Keeps `nodes`, in that order.
void select_nodes(RawDataset& raw, Array<std::int64_t> nodes) {
  Array<std::int64_t> number(static_cast<std::size_t>(raw.nodes), std::int64_t{-1});
  for (std::int64_t i = 0; i < nodes.ssize(); ++i) number[nodes[i]] = i;
  for (Array<std::int64_t>* ids : {&raw.split.train, &raw.split.valid, &raw.split.test})
    *ids = renumbered(*ids, number);
  materialise(raw.features);
  RawFeatures& features = raw.features;
  const std::int64_t row_bytes = features.cols * static_cast<std::int64_t>(size_of(features.dtype));
  const std::span<const std::byte> rows(features.data(), static_cast<std::size_t>(features.rows * row_bytes));
  features.hold(selected(rows, nodes, row_bytes));
  features.scales = selected(features.scales, nodes, 1);
  features.rows = nodes.ssize();
  raw.classes = selected(raw.classes, nodes, 1);
  raw.multi_labels = selected(raw.multi_labels, nodes, raw.class_count);
  if (!raw.node_names.empty()) {
    std::vector<std::string> names;
    for (const std::int64_t node : nodes) names.push_back(std::move(raw.node_names[node]));
    raw.node_names = std::move(names);
  }
  if (!raw.names.empty()) raw.names = selected(raw.names, nodes);
  raw.nodes = nodes.ssize();
  if (!raw.node_ids.empty())
    raw.node_ids = selected(raw.node_ids, nodes, 1);
  else if (raw.node_names.empty() && raw.names.empty())
    raw.node_ids = std::move(nodes);
}

/// The weights of the entries between kept nodes: an induced subgraph keeps the order of rows and entries.
template <class Index>
Array<float> kept_weights(CsrView<Index> csr, std::span<const float> weights,
                          std::span<const std::int64_t> nodes, std::int64_t m) {
  if (weights.empty()) return {};
  Array<float> kept(m);
  std::size_t next = 0;
  // A component is closed: an entry of a kept row never points outside.
  for (const std::int64_t node : nodes)
    for (std::int64_t e = csr.indptr[node]; e < csr.indptr[node + 1]; ++e) kept[next++] = weights[e];
  return kept;
}

}  // namespace

CsrAny CleanGraph::any() const {
  return std::visit([](const auto& g) { return CsrAny{g.indptr.span(), g.indices.span()}; }, csr);
}

CleanGraph clean_graph(const RawDataset& raw, const BuildOptions& options) {
  return std::visit(
      [&]<class Index>(const OwnedColumns<Index>& edges) {
        CleanGraph clean;
        Csr<Index> csr = csr_from_edges(edges.view(), raw.nodes, options);
        if (!raw.edge_weights.empty())
          clean.edge_weights = placed_weights(csr.view(), edges, raw.edge_weights, options.undirected);
        clean.csr = std::move(csr);
        return clean;
      },
      raw.edges);
}

CleanGraph restrict_to_largest_component(const CleanGraph& graph, RawDataset& raw) {
  Array<std::int64_t> nodes = largest_component(graph.any());
  CleanGraph restricted = std::visit(
      [&]<class Index>(const Csr<Index>& csr) {
        CleanGraph out;
        Csr<Index> sub = induced_subgraph(csr.view(), nodes);
        out.edge_weights = kept_weights(csr.view(), graph.edge_weights, nodes, sub.m());
        out.csr = std::move(sub);
        return out;
      },
      graph.csr);
  select_nodes(raw, std::move(nodes));
  return restricted;
}

CleanGraph reordered(const CleanGraph& graph, RawDataset& raw, Array<std::int64_t> order) {
  CleanGraph out = std::visit(
      [&](const auto& csr) {
        CleanGraph made;
        if (!graph.edge_weights.empty())
          made.edge_weights =
              selected(graph.edge_weights, permuted_edges(csr.view(), order.span()).span(), 1);
        made.csr = permuted(csr.view(), order.span());
        return made;
      },
      graph.csr);
  select_nodes(raw, std::move(order));
  return out;
}

void materialise(RawFeatures& features) {
  if (!features.fill) return;
  const auto row_bytes = features.cols * static_cast<std::int64_t>(size_of(features.dtype));
  features.bytes = Array<std::byte>(features.rows * row_bytes);
  parallel_for(0, features.rows, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    features.fill(begin, end, features.bytes.data() + begin * row_bytes);
  });
  features.fill = nullptr;
}

void normalise_rows(RawFeatures& features) {
  materialise(features);
  const std::int64_t cols = features.cols;
  Array<std::byte> out(features.rows * cols * sizeof(float));
  parallel_for(0, features.rows, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      double sum = 0;
      for (std::int64_t j = i * cols; j < (i + 1) * cols; ++j) sum += double{feature_value(features, j)};
      const double scale = sum == 0 ? 1 : 1 / sum;
      auto* row = reinterpret_cast<float*>(out.data());
      for (std::int64_t j = i * cols; j < (i + 1) * cols; ++j)
        row[j] = static_cast<float>(double{feature_value(features, j)} * scale);
    }
  });
  features.hold(std::move(out));
  features.scales = {};
  features.dtype = DType::f32;
}

}  // namespace kith
