// Facts are gathered once as ordered JSON; the lines for people are the same values, spelt out.
#include "kith/datasets/inspect.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kith/core/checksum.h"
#include "kith/core/error.h"
#include "kith/core/progress.h"
#include "kith/graph/properties.h"

namespace kith {
namespace {

using Json = nlohmann::ordered_json;

/// Collects a fact in both forms.
class Facts {
 public:
  void add(const char* key, const std::string& name, const Json& value, const std::string& text) {
    json_[key] = value;
    description_.facts.push_back({name, text});
  }
  void add(const char* key, const std::string& name, std::int64_t value) {
    add(key, name, value, fmt::to_string(value));
  }
  void add(const char* key, const std::string& name, const std::string& value) {
    add(key, name, value, value);
  }
  void add_table(const char* key, DescribedTable table, const Json& value) {
    json_[key] = value;
    description_.tables.push_back(std::move(table));
  }
  Description finished() && {
    description_.json = json_.dump(2);
    return std::move(description_);
  }

 private:
  Json json_ = Json::object();
  Description description_;
};

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
  facts.add("directed", "directed", meta.directed, meta.directed ? "yes" : "no");
}

void add_properties(Facts& facts, const GraphProperties& graph) {
  facts.add("undirected_edges", "distinct undirected edges", graph.undirected_edges);
  facts.add("symmetric", "symmetric", graph.symmetric, graph.symmetric ? "yes" : "no");
  facts.add("self_loops", "self-loops", graph.self_loops);
  facts.add("duplicate_edges", "duplicate edges", graph.duplicates);
  facts.add("isolated_nodes", "isolated nodes", graph.isolated, share(graph.isolated, graph.nodes));
}

void add_degrees(Facts& facts, const CsrAny& graph) {
  const std::int64_t n = graph.n();
  std::vector<std::int64_t> degrees(static_cast<std::size_t>(n));
  for (std::int64_t v = 0; v < n; ++v) degrees[v] = graph.indptr[v + 1] - graph.indptr[v];
  const auto quantile = [&](double q) {
    if (n == 0) return std::int64_t{0};
    const auto at = degrees.begin() + static_cast<std::int64_t>(q * static_cast<double>(n - 1));
    std::nth_element(degrees.begin(), at, degrees.end());
    return *at;
  };
  const double mean = n == 0 ? 0 : static_cast<double>(graph.m()) / static_cast<double>(n);
  const std::int64_t median = quantile(0.5), high = quantile(0.99), maximum = quantile(1);
  facts.add("in_degree", "in-degree",
            Json{{"mean", mean}, {"median", median}, {"p99", high}, {"maximum", maximum}},
            fmt::format("mean {:.2f}, median {}, 99% {}, maximum {}", mean, median, high, maximum));
}

void add_contents(Facts& facts, const StoreMeta& meta) {
  const std::string dtype = meta.features == 0 ? "none" : std::string(name_of(meta.feature_dtype));
  facts.add("features", "features", Json{{"columns", meta.features}, {"dtype", dtype}},
            meta.features == 0 ? dtype : fmt::format("{} columns, {}", meta.features, dtype));
  facts.add("index_dtype", "node numbers",
            meta.nodes < (std::int64_t{1} << 31) ? std::string("int32") : std::string("int64"));
  facts.add("classes", "classes", meta.classes,
            meta.classes == 0
                ? "none"
                : fmt::format("{}{}", meta.classes, meta.multi_label ? ", several a node" : ""));
}

void add_split(Facts& facts, Split split, std::int64_t size, std::int64_t nodes) {
  const std::string name(name_of(split));
  facts.add(name.c_str(), name + " nodes", size, share(size, nodes));
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
  facts.add("unlabelled_nodes", "unlabelled nodes", unlabelled,
            share(unlabelled, static_cast<std::int64_t>(labels.classes.size())));
  facts.add("class_sizes", "class sizes", sizes, fmt::format("{}", fmt::join(sizes, " ")));
}

void add_storage(Facts& facts, const UserIdView& ids, std::int64_t bytes) {
  facts.add("user_ids", "user ids",
            std::string(!ids.numbers.empty() ? "numbers"
                        : ids.any()          ? "texts"
                                             : "none"));
  facts.add("bytes_on_disk", "on disk", bytes, human_bytes(static_cast<double>(bytes)));
}

void add_quality(Facts& facts, const PartitionMeta& meta) {
  const Quality& quality = meta.quality;
  facts.add("parts", "parts", meta.k);
  facts.add("method", "method", meta.method);
  facts.add("objective", "objective", meta.objective);
  facts.add("seed", "seed", meta.seed, fmt::to_string(meta.seed));
  facts.add("fingerprint", "fingerprint", hex_of_hash(meta.fingerprint));
  facts.add("cut_edges", "cut edges", quality.cut_edges, share(quality.cut_edges, meta.store.edges));
  facts.add("cut_fraction", "cut fraction", quality.cut_fraction,
            fmt::format("{:.4f}", quality.cut_fraction));
  facts.add("communication_volume", "communication volume", quality.communication_volume,
            fmt::format("{} rows", quality.communication_volume));
  facts.add("empty_parts", "empty parts", quality.empty_parts);
  facts.add("partition_seconds", "partitioned in", meta.partition_seconds,
            human_seconds(meta.partition_seconds));
  facts.add("partition_peak_bytes", "peak memory of it", meta.partition_peak_bytes,
            human_bytes(static_cast<double>(meta.partition_peak_bytes)));
}

void add_balances(Facts& facts, const Quality& quality) {
  DescribedTable table{"balance", {"constraint", "minimum", "mean", "maximum", "maximum / mean"}, {}};
  Json json = Json::array();
  for (const Balance& b : quality.balances) {
    table.rows.push_back({b.name, fmt::format("{:.0f}", b.minimum), fmt::format("{:.1f}", b.mean),
                          fmt::format("{:.0f}", b.maximum), fmt::format("{:.3f}", b.imbalance())});
    json.push_back({{"name", b.name},
                    {"minimum", b.minimum},
                    {"mean", b.mean},
                    {"maximum", b.maximum},
                    {"imbalance", b.imbalance()}});
  }
  facts.add_table("balance", std::move(table), json);
}

void add_parts(Facts& facts, const PartitionedStore& store) {
  DescribedTable table{"parts", {"part", "nodes", "edges", "halo rows", "train", "valid", "test"}, {}};
  Json json = Json::array();
  for (int p = 0; p < store.k(); ++p) {
    const PartView part = store.part(Part(p));
    Json row = {
        {"part", p}, {"nodes", part.nodes}, {"edges", part.indices.size()}, {"halo_rows", part.halo.size()}};
    for (const Split split : kSplits)
      row[std::string(name_of(split))] = part.split[static_cast<int>(split)].size();
    std::vector<std::string> texts;
    for (const Json& value : row) texts.push_back(value.dump());
    table.rows.push_back(std::move(texts));
    json.push_back(row);
  }
  facts.add_table("part_sizes", std::move(table), json);
}

std::int64_t split_size(const PartitionedStore& store, Split split) {
  std::size_t size = 0;
  for (int p = 0; p < store.k(); ++p) size += store.part(Part(p)).split[static_cast<int>(split)].size();
  return static_cast<std::int64_t>(size);
}

}  // namespace

Description description_of(const Store& store) {
  Facts facts;
  add_identity(facts, "store", store.folder(), store.meta());
  add_properties(facts, properties_of(store.graph()));
  add_degrees(facts, store.graph());
  add_contents(facts, store.meta());
  facts.add("edge_weights", "edge weights", !store.edge_weights().empty(),
            store.edge_weights().empty() ? "no" : "yes");
  add_classes(facts, store.labels());
  for (const Split split : kSplits) {
    add_split(facts, split, static_cast<std::int64_t>(store.split(split).size()), store.meta().nodes);
  }
  add_storage(facts, store.user_ids(), store.bytes_on_disk());
  return std::move(facts).finished();
}

Description description_of(const PartitionedStore& store) {
  Facts facts;
  const StoreMeta& meta = store.meta().store;
  add_identity(facts, "partitioned store", store.folder(), meta);
  facts.add("self_loops", "self-loops", meta.self_loops);
  add_contents(facts, meta);
  for (const Split split : kSplits) add_split(facts, split, split_size(store, split), meta.nodes);
  add_storage(facts, store.user_ids(), store.bytes_on_disk());
  add_quality(facts, store.meta());
  add_balances(facts, store.meta().quality);
  add_parts(facts, store);
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
