// Facts are gathered once as ordered JSON; the lines for people are the same values, spelt out.
#include "kith/datasets/inspect.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kith/core/error.h"
#include "kith/core/progress.h"
#include "kith/datasets/content_summary.h"
#include "kith/datasets/inspect_facts.h"
#include "kith/graph/properties.h"
#include "kith/graph/statistics.h"

namespace kith {

namespace inspection {
namespace {

using Json = nlohmann::ordered_json;
JsonText as_json(const Json& value) { return {value.dump()}; }

}  // namespace

void Facts::add(const char* key, const std::string& name, const JsonText& value, const std::string& text) {
  put(key, value);
  description_.facts.push_back({name, text});
}
void Facts::add(const char* key, const std::string& name, std::int64_t value) {
  add(key, name, as_json(value), fmt::to_string(value));
}
void Facts::add(const char* key, const std::string& name, const std::string& value) {
  add(key, name, as_json(value), value);
}
void Facts::add_table(const char* key, DescribedTable table, const JsonText& value) {
  put(key, value);
  description_.tables.push_back(std::move(table));
}
void Facts::put(const char* key, const JsonText& value) {
  json_ += (json_.empty() ? "" : ",") + Json(key).dump() + ":" + value.text;
}
Description Facts::finished() && {
  description_.json = Json::parse("{" + json_ + "}").dump(2);
  return std::move(description_);
}

std::string share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? "0"
                    : fmt::format("{} ({:.1f}%)", part,
                                  100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

void add_identity(Facts& facts, const char* kind, const std::filesystem::path& folder,
                  const StoreMeta& meta) {
  facts.add("kind", "kind", std::string(kind));
  facts.add("folder", "folder", folder.string());
  facts.add("name", "name", meta.name);
  facts.add("made_by", "made by", meta.made_by);
  facts.add("nodes", "nodes", meta.nodes);
  facts.add("edges", "edges (stored, directed)", meta.edges);
  facts.add("directed", "directed", as_json(meta.directed), meta.directed ? "yes" : "no");
}

void add_contents(Facts& facts, const StoreMeta& meta) {
  const std::string dtype = meta.features == 0 ? "none" : std::string(name_of(meta.feature_dtype));
  facts.add("features", "features", as_json(Json{{"columns", meta.features}, {"dtype", dtype}}),
            meta.features == 0 ? dtype : fmt::format("{} columns, {}", meta.features, dtype));
  facts.add("index_dtype", "node numbers",
            meta.nodes < (std::int64_t{1} << 31) ? std::string("int32") : std::string("int64"));
  facts.add("classes", "classes", as_json(meta.classes),
            meta.classes == 0
                ? "none"
                : fmt::format("{}{}", meta.classes, meta.multi_label ? ", several a node" : ""));
}

void add_split(Facts& facts, Split split, std::int64_t size, std::int64_t nodes) {
  const std::string name(name_of(split));
  facts.add(name.c_str(), name + " nodes", as_json(size), share(size, nodes));
}

void add_storage(Facts& facts, const UserIdView& ids, std::int64_t bytes) {
  facts.add("user_ids", "user ids",
            std::string(!ids.numbers.empty() ? "numbers"
                        : ids.any()          ? "texts"
                                             : "none"));
  facts.add("bytes_on_disk", "on disk", as_json(bytes), human_bytes(static_cast<double>(bytes)));
}

}  // namespace inspection

namespace {

using namespace inspection;

void add_properties(Facts& facts, const GraphProperties& graph) {
  facts.add("undirected_edges", "distinct undirected edges", graph.undirected_edges);
  facts.add("symmetric", "symmetric", as_json(graph.symmetric), graph.symmetric ? "yes" : "no");
  facts.add("self_loops", "self-loops", graph.self_loops);
  facts.add("duplicate_edges", "duplicate edges", graph.duplicates);
  facts.add("isolated_nodes", "isolated nodes", as_json(graph.isolated), share(graph.isolated, graph.nodes));
}

/// What preparing the raw edges left out.
void add_raw(Facts& facts, const StoreMeta& meta, const GraphProperties& graph) {
  if (meta.raw_edges < 0) return;
  const std::int64_t dropped = std::max<std::int64_t>(meta.raw_self_loops - graph.self_loops, 0);
  const std::int64_t kept = graph.symmetric ? graph.undirected_edges : graph.edges - graph.self_loops;
  const std::int64_t merged = std::max<std::int64_t>(meta.raw_edges - meta.raw_self_loops - kept, 0);
  facts.add("raw_edges", "edges read", meta.raw_edges);
  facts.add("self_loops_removed", "  self-loops removed", as_json(dropped), share(dropped, meta.raw_edges));
  facts.add("edges_merged", "  repeated or reverse ones merged", as_json(merged),
            share(merged, meta.raw_edges));
}

void add_shape(Facts& facts, const Store& store) {
  const ComponentSummary components = component_summary(store.graph());
  facts.add("components", "components", components.count);
  facts.add("largest_component", "largest component", as_json(components.largest),
            share(components.largest, store.meta().nodes));
  const double both_ways = reciprocity(store.graph());
  facts.add("reciprocity", "reciprocity", as_json(both_ways), fmt::format("{:.3f}", both_ways));
}

/// "0", "1", "2–3", "4–7", …
std::string degree_range(std::size_t bin) {
  if (bin < 2) return fmt::to_string(bin);
  return fmt::format("{}-{}", std::int64_t{1} << (bin - 1), (std::int64_t{1} << bin) - 1);
}

void add_degrees(Facts& facts, const CsrAny& graph) {
  const DegreeSummary degrees = degree_summary(graph.indptr);
  DescribedTable table{"in-degrees", {"degree", "nodes"}, {}, {}};
  Json bins = Json::array();
  const std::int64_t most = degrees.histogram.empty() ? 0 : *std::ranges::max_element(degrees.histogram);
  for (std::size_t b = 0; b < degrees.histogram.size(); ++b) {
    const std::int64_t nodes = degrees.histogram[b];
    table.rows.push_back({degree_range(b), fmt::to_string(nodes)});
    // Logarithms, as in the chart of the page: a power law is a straight line.
    table.bars.push_back(
        nodes == 0 ? 0 : std::log1p(static_cast<double>(nodes)) / std::log1p(static_cast<double>(most)));
    const std::int64_t low = b == 0 ? 0 : std::int64_t{1} << (b - 1);
    bins.push_back({{"from", low}, {"to", b == 0 ? 0 : 2 * low - 1}, {"nodes", nodes}});
  }
  facts.add("in_degree", "in-degree",
            as_json(Json{{"mean", degrees.mean},
                         {"median", degrees.median},
                         {"p99", degrees.p99},
                         {"maximum", degrees.maximum}}),
            fmt::format("mean {:.2f}, median {}, 99% {}, maximum {}", degrees.mean, degrees.median,
                        degrees.p99, degrees.maximum));
  if (!table.rows.empty()) facts.add_table("degree_histogram", std::move(table), as_json(bins));
}

void add_values(Facts& facts, const FeatureView& features) {
  if (features.cols == 0) return;
  const FeatureSummary values = feature_summary(features);
  facts.add("feature_values", "feature values",
            as_json(Json{{"minimum", values.minimum},
                         {"maximum", values.maximum},
                         {"mean", values.mean},
                         {"zero_share", values.zero_share()}}),
            fmt::format("{:.4g} to {:.4g}, mean {:.4g}, {:.1f}% zeros", values.minimum, values.maximum,
                        values.mean, 100 * values.zero_share()));
}

void add_classes(Facts& facts, const LabelView& labels) {
  if (labels.classes.empty()) return;
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(labels.count), 0);
  std::int64_t unlabelled = 0;
  for (const std::int64_t label : labels.classes) {
    if (label >= labels.count)
      throw CorruptError(with_facts("labels.npy: a class out of range", {{"class", label}}));
    ++(label < 0 ? unlabelled : sizes[static_cast<std::size_t>(label)]);
  }
  facts.add("unlabelled_nodes", "unlabelled nodes", as_json(unlabelled),
            share(unlabelled, static_cast<std::int64_t>(labels.classes.size())));
  DescribedTable table{"classes", {"class", "nodes"}, {}, {}};
  const std::int64_t most = sizes.empty() ? 0 : *std::ranges::max_element(sizes);
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    table.rows.push_back({fmt::to_string(c), fmt::to_string(sizes[c])});
    table.bars.push_back(part_of_largest(sizes[c], most));
  }
  facts.add_table("class_sizes", std::move(table), as_json(sizes));
}

void add_homophily(Facts& facts, const Store& store) {
  const LabelView labels = store.labels();
  if (labels.classes.empty()) return;
  const LabelledEdges edges = labelled_edges(store.graph(), labels.classes);
  facts.add("edge_homophily", "edge homophily", as_json(edges.homophily()),
            fmt::format("{:.3f} of {} edges between labelled nodes", edges.homophily(), edges.all));
}

}  // namespace

Description description_of(const Store& store) {
  Facts facts;
  add_identity(facts, "store", store.folder(), store.meta());
  const GraphProperties properties = properties_of(store.graph());  // refuses rows that leave the graph
  add_properties(facts, properties);
  add_raw(facts, store.meta(), properties);
  add_shape(facts, store);
  add_degrees(facts, store.graph());
  add_contents(facts, store.meta());
  add_values(facts, store.features());
  facts.add("edge_weights", "edge weights", as_json(!store.edge_weights().empty()),
            store.edge_weights().empty() ? "no" : "yes");
  add_classes(facts, store.labels());
  add_homophily(facts, store);
  for (const Split split : kSplits) {
    add_split(facts, split, static_cast<std::int64_t>(store.split(split).size()), store.meta().nodes);
  }
  add_storage(facts, store.user_ids(), store.bytes_on_disk());
  return std::move(facts).finished();
}

Description description_of_folder(const std::filesystem::path& folder) {
  switch (folder_kind(folder)) {
    case FolderKind::store: return description_of(Store::open(folder));
    case FolderKind::partitioned_store: return description_of(PartitionedStore::open(folder));
    default: throw InputError(folder.string() + ": neither a store nor a partitioned store");
  }
}

}  // namespace kith
