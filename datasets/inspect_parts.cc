#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kith/core/checksum.h"
#include "kith/core/progress.h"
#include "kith/datasets/content_summary.h"
#include "kith/datasets/inspect_facts.h"

namespace kith {

using namespace inspection;

namespace {

using Json = nlohmann::ordered_json;
JsonText as_json(const Json& value) { return {value.dump()}; }

void add_quality(Facts& facts, const PartitionMeta& meta) {
  const Quality& quality = meta.quality;
  facts.add("parts", "parts", meta.k);
  facts.add("method", "method", meta.method);
  facts.add("objective", "objective", meta.objective);
  facts.add("seed", "seed", as_json(meta.seed), fmt::to_string(meta.seed));
  facts.add("fingerprint", "fingerprint", hex_of_hash(meta.fingerprint));
  facts.add("cut_edges", "cut edges", as_json(quality.cut_edges), share(quality.cut_edges, meta.store.edges));
  facts.add("cut_fraction", "cut fraction", as_json(quality.cut_fraction),
            fmt::format("{:.4f}", quality.cut_fraction));
  facts.add("communication_volume", "communication volume", as_json(quality.communication_volume),
            fmt::format("{} rows", quality.communication_volume));
  facts.add("empty_parts", "empty parts", quality.empty_parts);
  facts.add("partition_seconds", "partitioned in", as_json(meta.partition_seconds),
            human_seconds(meta.partition_seconds));
  facts.add("partition_peak_bytes", "peak memory of it", as_json(meta.partition_peak_bytes),
            human_bytes(static_cast<double>(meta.partition_peak_bytes)));
}

void add_levels(Facts& facts, const std::vector<LevelQuality>& levels) {
  if (levels.empty()) return;
  DescribedTable table{"levels, coarsest first", {"between", "groups", "cut edges", "rows"}, {}, {}};
  Json json = Json::array();
  for (const LevelQuality& level : levels) {
    table.rows.push_back({level.name, fmt::to_string(level.groups), fmt::to_string(level.cut_edges),
                          fmt::to_string(level.communication_volume)});
    json.push_back({{"name", level.name},
                    {"groups", level.groups},
                    {"cut_edges", level.cut_edges},
                    {"communication_volume", level.communication_volume}});
  }
  facts.add_table("levels", std::move(table), as_json(json));
}

void add_balances(Facts& facts, const Quality& quality) {
  DescribedTable table{"balance", {"constraint", "minimum", "mean", "maximum", "maximum / mean"}, {}, {}};
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
  facts.add_table("balance", std::move(table), as_json(json));
}

void add_parts(Facts& facts, const PartitionedStore& store) {
  DescribedTable table{"parts, with a bar of edges",
                       {"part", "nodes", "edges", "halo rows", "train", "valid", "test"},
                       {},
                       {}};
  Json json = Json::array();
  std::int64_t most = 0;
  for (int p = 0; p < store.k(); ++p) most = std::max(most, store.part(Part(p)).indices.size());
  for (int p = 0; p < store.k(); ++p) {
    const PartView part = store.part(Part(p));
    Json row = {
        {"part", p}, {"nodes", part.nodes}, {"edges", part.indices.size()}, {"halo_rows", part.halo.size()}};
    for (const Split split : kSplits)
      row[std::string(name_of(split))] = part.split[static_cast<int>(split)].size();
    std::vector<std::string> texts;
    for (const Json& value : row) texts.push_back(value.dump());
    table.rows.push_back(std::move(texts));
    table.bars.push_back(part_of_largest(part.indices.size(), most));
    json.push_back(row);
  }
  facts.add_table("part_sizes", std::move(table), as_json(json));
}

/// A part's edges and halo rows beside the largest: the bars that show balance.
void add_bars(Facts& facts, const PartitionedStore& store) {
  std::int64_t most = 0;
  for (const std::int64_t rows : store.meta().quality.halo_rows) most = std::max(most, rows);
  DescribedTable table{"halo rows", {"part", "halo rows", "of its nodes"}, {}, {}};
  Json json = Json::array();
  for (int p = 0; p < store.k(); ++p) {
    const PartView part = store.part(Part(p));
    const std::int64_t halo = std::ssize(part.halo);
    const double ratio = part.nodes > 0 ? static_cast<double>(halo) / static_cast<double>(part.nodes) : 0;
    table.rows.push_back({fmt::to_string(p), fmt::to_string(halo), fmt::format("{:.2f}x", ratio)});
    table.bars.push_back(part_of_largest(halo, most));
    json.push_back(halo);
  }
  facts.add_table("halo_rows", std::move(table), as_json(json));
}

constexpr int kMostPrinted = 16;  ///< parts, in the terminal's matrix

void add_between(Facts& facts, const PartitionedStore& store) {
  const std::vector<std::int64_t> between = edges_between_parts(store);
  const int k = store.k();
  DescribedTable table{"edges from part (column) to part (row)", {"to \\ from"}, {}, {}};
  for (int q = 0; q < k; ++q) table.columns.push_back(fmt::to_string(q));
  Json json = Json::array();
  for (int p = 0; p < k; ++p) {
    Json row = Json::array();
    std::vector<std::string> texts{fmt::to_string(p)};
    for (int q = 0; q < k; ++q) {
      const std::int64_t edges = between[static_cast<std::size_t>(p * k + q)];
      row.push_back(edges);
      texts.push_back(fmt::to_string(edges));
    }
    json.push_back(row);
    table.rows.push_back(std::move(texts));
  }
  if (k > kMostPrinted) table = {fmt::format("edges between {} parts: in --html and --json", k), {}, {}, {}};
  facts.add_table("edges_between_parts", std::move(table), as_json(json));
}

std::int64_t split_size(const PartitionedStore& store, Split split) {
  std::size_t size = 0;
  for (int p = 0; p < store.k(); ++p) size += store.part(Part(p)).split[static_cast<int>(split)].size();
  return static_cast<std::int64_t>(size);
}

}  // namespace

Description description_of(const PartitionedStore& store) {
  Facts facts;
  const StoreMeta& meta = store.meta().store;
  add_identity(facts, "partitioned store", store.folder(), meta);
  facts.add("self_loops", "self-loops", meta.self_loops);
  add_contents(facts, meta);
  for (const Split split : kSplits) add_split(facts, split, split_size(store, split), meta.nodes);
  add_storage(facts, store.user_ids(), store.bytes_on_disk());
  add_quality(facts, store.meta());
  add_levels(facts, store.meta().levels);
  add_balances(facts, store.meta().quality);
  add_parts(facts, store);
  add_bars(facts, store);
  add_between(facts, store);
  return std::move(facts).finished();
}

}  // namespace kith
