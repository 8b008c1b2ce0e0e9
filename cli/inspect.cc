#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kith/cli/facts.h"
#include "kith/cli/verb.h"
#include "kith/core/dtype.h"
#include "kith/core/error.h"
#include "kith/datasets/partitioned_store.h"
#include "kith/exec/inspect_run.h"

namespace kith::cli {
namespace {

using Json = nlohmann::ordered_json;

Json facts_of(const StoreMeta& meta) {
  return {{"name", meta.name},
          {"nodes", meta.nodes},
          {"edges", meta.edges},
          {"directed", meta.directed},
          {"self_loops", meta.self_loops},
          {"features", meta.features},
          {"feature_dtype", name_of(meta.feature_dtype)},
          {"classes", meta.classes},
          {"multi_label", meta.multi_label}};
}

Json store_facts(const std::string& path) {
  const Store store = Store::open(path);
  Json facts{{"kind", "store"}, {"format_version", store.meta().format_version}};
  facts.update(facts_of(store.meta()));
  for (const Split split : kSplits) facts[std::string(name_of(split))] = store.split(split).size();
  facts["user_ids"] = store.has_user_ids();
  facts["bytes_on_disk"] = store.bytes_on_disk();
  facts["made_by"] = store.meta().made_by;
  return facts;
}

Json quality_facts(const Quality& quality) {
  Json balances = Json::object();
  for (const Balance& balance : quality.balances)
    balances[balance.name] = {{"minimum", balance.minimum},
                              {"mean", balance.mean},
                              {"maximum", balance.maximum},
                              {"imbalance", balance.imbalance()}};
  return {{"cut_edges", quality.cut_edges},
          {"cut_fraction", quality.cut_fraction},
          {"communication_volume", quality.communication_volume},
          {"halo_rows", quality.halo_rows},
          {"empty_parts", quality.empty_parts},
          {"balance", balances}};
}

Json partitioned_facts(const PartitionedStore& store) {
  const PartitionMeta& meta = store.meta();
  Json facts{{"kind", "partitioned store"},
             {"format_version", meta.format_version},
             {"k", meta.k},
             {"method", meta.method},
             {"objective", meta.objective},
             {"seed", meta.seed},
             {"fingerprint", fmt::format("{:016x}", meta.fingerprint)}};
  facts["store"] = facts_of(meta.store);
  facts["quality"] = quality_facts(meta.quality);
  facts["partition_seconds"] = meta.partition_seconds;
  facts["partition_peak_bytes"] = meta.partition_peak_bytes;
  facts["bytes_on_disk"] = store.bytes_on_disk();
  return facts;
}

void inspect_partitioned(const std::string& path, bool json) {
  const PartitionedStore store = PartitionedStore::open(path);
  Json facts = partitioned_facts(store);
  if (json) {
    fmt::print("{}\n", facts.dump(2));
    return;
  }
  facts.erase("quality");
  fmt::print("{}{}", facts_text(facts.dump()), table_of(store.meta().quality));
}

void print_facts(const std::string& json_text, bool json) {
  fmt::print("{}", json ? Json::parse(json_text).dump(2) + "\n" : facts_text(json_text));
}

}  // namespace

void run_inspect(const Invocation& invocation) {
  const std::string path = invocation.settings.text("path");
  const bool json = invocation.settings.boolean("json");
  switch (folder_kind(path)) {
    case FolderKind::store: return print_facts(store_facts(path).dump(), json);
    case FolderKind::partitioned_store: return inspect_partitioned(path, json);
    case FolderKind::run: return print_facts(run_json(path), json);
    case FolderKind::none: break;
  }
  throw InputError(path + (std::filesystem::exists(path) ? ": neither a store, a partitioned store nor a run"
                                                         : ": not there"));
}

}  // namespace kith::cli
