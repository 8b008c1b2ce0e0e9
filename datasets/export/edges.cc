#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/export/text_writer.h"
#include "kith/datasets/export/writers.h"

namespace kith {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kGrain = 1 << 10;

/// Appends a user id; a text that holds the separator is put in double quotes.
void append_id(std::string& out, const UserIdView& ids, std::int64_t node, char separator) {
  if (!ids.any()) return append_number(out, node);
  if (!ids.numbers.empty()) return append_number(out, ids.numbers[node]);
  const std::string name = ids.text(StoreId(node));
  if (name.find_first_of("\"\r\n") != std::string::npos)
    throw InputError(
        fmt::format("node {}: the name {} holds a quote or a line's end, which text cannot hold; "
                    "use --format npy",
                    node, name));
  const bool quoted = name.empty() || name.find(separator) != std::string::npos || name.front() == ' ' ||
                      name.back() == ' ' || name.front() == '#' || name.front() == '%';
  out += quoted ? '"' + name + '"' : name;
}

void write_edges(const Store& store, const fs::path& path, char separator) {
  const CsrAny graph = store.graph();
  const UserIdView ids = store.user_ids();
  const auto weights = store.edge_weights();
  std::string head = fmt::format("source{}destination", separator);
  if (!weights.empty()) head += fmt::format("{}weight", separator);
  write_rows(
      path, head + "\n", graph.n(), kGrain, [&](std::int64_t begin, std::int64_t end, std::string& out) {
        for_edges(graph, begin, end, [&](std::int64_t source, std::int64_t destination, std::int64_t e) {
          append_id(out, ids, source, separator);
          out += separator;
          append_id(out, ids, destination, separator);
          if (!weights.empty()) {
            out += separator;
            append_number(out, weights[e]);
          }
          out += '\n';
        });
      });
}

/// Which split every node is in: 0 none, else 1 + Split.
std::vector<std::uint8_t> split_of_nodes(const Store& store) {
  std::vector<std::uint8_t> split_of(static_cast<std::size_t>(store.meta().nodes), 0);
  for (const Split split : kSplits)
    for (const std::int64_t node : store.split(split))
      split_of[node] = static_cast<std::uint8_t>(1 + static_cast<int>(split));
  return split_of;
}

std::string node_header(const Store& store, bool splits) {
  const LabelView labels = store.labels();
  std::string head = "id";
  if (labels.multi_label())
    for (std::int64_t c = 0; c < labels.count; ++c) head += fmt::format(",y{}", c);
  else if (!labels.classes.empty())
    head += ",label";
  if (splits) head += ",split";
  for (std::int64_t f = 0; f < store.features().cols; ++f) head += fmt::format(",f{}", f);
  return head + "\n";
}

void append_labels(std::string& out, const LabelView& labels, std::int64_t node) {
  for (std::int64_t c = 0; labels.multi_label() && c < labels.count; ++c) {
    const float value = labels.multi[node * labels.count + c];
    out += std::isnan(value) ? "," : value == 1 ? ",1" : ",0";
  }
  if (labels.classes.empty()) return;
  out += ',';
  if (labels.classes[node] >= 0) append_number(out, labels.classes[node]);
}

void write_nodes(const Store& store, const fs::path& path) {
  const LabelView labels = store.labels();
  const FeatureView features = store.features();
  const UserIdView ids = store.user_ids();
  const auto split_of = split_of_nodes(store);
  const bool splits = std::any_of(split_of.begin(), split_of.end(), [](auto s) { return s != 0; });
  write_rows(path, node_header(store, splits), store.meta().nodes, kGrain,
             [&](std::int64_t begin, std::int64_t end, std::string& out) {
               for (std::int64_t v = begin; v < end; ++v) {
                 append_id(out, ids, v, ',');
                 append_labels(out, labels, v);
                 if (splits) {
                   out += ',';
                   if (split_of[v] != 0) out += name_of(static_cast<Split>(split_of[v] - 1));
                 }
                 for (std::int64_t i = v * features.cols; i < (v + 1) * features.cols; ++i) {
                   out += ',';
                   append_number(out, feature_at(features, i));
                 }
                 out += '\n';
               }
             });
}

char separator_of(fs::path path) {
  if (path.extension() == ".gz") path.replace_extension();
  if (path.extension() == ".csv") return ',';
  if (path.extension() == ".tsv") return '\t';
  return path.extension() == ".txt" || path.extension() == ".edges" ? ' ' : '\0';
}

}  // namespace

bool is_edge_file(const fs::path& out) { return separator_of(out) != '\0'; }

void write_edge_text(const Store& store, const fs::path& out, ExportNotes& notes) {
  if (is_edge_file(out)) {
    write_edges(store, out, separator_of(out));
    notes.push_back("edges only: with -o FOLDER labels, splits and features are written beside them");
    return;
  }
  write_edges(store, out / "edges.csv", ',');
  write_nodes(store, out / "nodes.csv");
  const DType type = store.features().dtype;
  if (store.meta().features > 0 && type != DType::f32)
    notes.push_back(fmt::format("features were written as numbers; --feature-dtype {} makes them {} again",
                                name_of(type), name_of(type)));
}

}  // namespace kith
