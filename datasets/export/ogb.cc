#include <cmath>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/export/text_writer.h"
#include "kith/datasets/export/writers.h"

namespace kith {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kGrain = 1 << 10;

void write_number(const fs::path& path, std::int64_t number) {
  write_rows(path, fmt::format("{}\n", number), 0, 1, nullptr);
}

void write_edges(const Store& store, const fs::path& raw) {
  const CsrAny graph = store.graph();
  write_rows(raw / "edge.csv.gz", "", graph.n(), kGrain,
             [&](std::int64_t begin, std::int64_t end, std::string& out) {
               for_edges(graph, begin, end, [&](std::int64_t source, std::int64_t destination, std::int64_t) {
                 append_number(out, source);
                 out += ',';
                 append_number(out, destination);
                 out += '\n';
               });
             });
  const auto weights = store.edge_weights();
  if (!weights.empty())
    write_rows(raw / "edge-feat.csv.gz", "", graph.m(), kGrain * 16,
               [&](std::int64_t begin, std::int64_t end, std::string& out) {
                 for (std::int64_t e = begin; e < end; ++e) {
                   append_number(out, weights[e]);
                   out += '\n';
                 }
               });
}

void write_features(const Store& store, const fs::path& raw) {
  const FeatureView features = store.features();
  write_rows(raw / "node-feat.csv.gz", "", features.rows, kGrain,
             [&](std::int64_t begin, std::int64_t end, std::string& out) {
               for (std::int64_t i = begin * features.cols; i < end * features.cols; ++i) {
                 append_number(out, feature_at(features, i));
                 out += (i + 1) % features.cols == 0 ? '\n' : ',';
               }
             });
}

void append_label(std::string& out, const LabelView& labels, std::int64_t node, std::int64_t column) {
  if (labels.multi_label()) {
    const float value = labels.multi[node * labels.count + column];
    out += std::isnan(value) ? "nan" : value == 1 ? "1" : "0";
  } else if (labels.classes.empty() || labels.classes[node] < 0) {
    out += "nan";
  } else {
    append_number(out, labels.classes[node]);
  }
}

void write_labels(const Store& store, const fs::path& raw) {
  const LabelView labels = store.labels();
  const std::int64_t columns = labels.multi_label() ? labels.count : 1;
  write_rows(raw / "node-label.csv.gz", "", store.meta().nodes, kGrain,
             [&](std::int64_t begin, std::int64_t end, std::string& out) {
               for (std::int64_t v = begin; v < end; ++v)
                 for (std::int64_t c = 0; c < columns; ++c) {
                   append_label(out, labels, v, c);
                   out += c + 1 == columns ? '\n' : ',';
                 }
             });
}

void write_split(const Store& store, const fs::path& folder) {
  fs::create_directories(folder);
  for (const Split split : kSplits) {
    const auto nodes = store.split(split);
    write_rows(folder / fmt::format("{}.csv.gz", name_of(split)), "", static_cast<std::int64_t>(nodes.size()),
               kGrain * 16, [&](std::int64_t begin, std::int64_t end, std::string& out) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   append_number(out, nodes[i]);
                   out += '\n';
                 }
               });
  }
}

}  // namespace

void write_ogb(const Store& store, const fs::path& out, ExportNotes& notes) {
  const fs::path raw = out / "raw";
  fs::create_directories(raw);
  write_number(raw / "num-node-list.csv.gz", store.meta().nodes);
  write_number(raw / "num-edge-list.csv.gz", store.meta().edges);
  write_edges(store, raw);
  if (store.meta().features > 0) write_features(store, raw);
  write_labels(store, raw);
  if (!store.split(Split::train).empty()) write_split(store, out / "split" / "kith");
  if (store.has_user_ids()) notes.push_back("user ids were left out: nodes are numbered as in the store");
  const DType type = store.features().dtype;
  if (store.meta().features > 0 && type != DType::f32)
    notes.push_back(fmt::format("features were written as numbers; --feature-dtype {} makes them {} again",
                                name_of(type), name_of(type)));
}

}  // namespace kith
