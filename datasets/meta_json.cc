// One function writes and one reads each structure, field by field, in the order of its declaration.
#include "kith/datasets/meta_json.h"

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

#include "kith/core/json_depth.h"
#include "kith/datasets/sealed_json.h"

namespace kith {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kStoreFormat = "kith-store";
constexpr const char* kPartitionFormat = "kith-partitioned-store";
constexpr int kVersion = 1;
constexpr std::int64_t kMaxCount = std::int64_t{1} << 60;  ///< so that sums of counts cannot overflow

DType dtype_named(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(DType::boolean); ++i) {
    if (name_of(static_cast<DType>(i)) == name) return static_cast<DType>(i);
  }
  throw CorruptError("unknown element type '" + name + "'");
}

/// A float would be converted, and one of 1e80 to anything.
const Json& integer_in(const Json& value, const char* key) {
  if (!value.is_number_integer()) throw CorruptError(std::string(key) + " is no integer");
  return value;
}

std::int64_t count_of(const Json& json, const char* key) {
  const Json& value = integer_in(json, key);
  const auto count = value.get<std::int64_t>();
  if (count > kMaxCount) throw CorruptError(std::string(key) + " is " + std::to_string(count) + ", absurd");
  if (count < 0) throw CorruptError(std::string(key) + " is " + std::to_string(count) + ", negative");
  return count;
}

std::int64_t count_at(const Json& json, const char* key) { return count_of(json.at(key), key); }

std::vector<std::int64_t> counts_at(const Json& json, const char* key) {
  std::vector<std::int64_t> counts;
  for (const Json& value : json.at(key)) counts.push_back(count_of(value, key));
  return counts;
}

int small_count_at(const Json& json, const char* key) {
  const std::int64_t count = count_at(json, key);
  if (count > std::numeric_limits<int>::max())
    throw CorruptError(std::string(key) + " is " + std::to_string(count) + ", absurd");
  return static_cast<int>(count);
}

Json json_of(const StoreMeta& meta) {
  Json json{{"name", meta.name},
            {"nodes", meta.nodes},
            {"edges", meta.edges},
            {"features", meta.features},
            {"feature_dtype", name_of(meta.feature_dtype)},
            {"classes", meta.classes},
            {"multi_label", meta.multi_label},
            {"directed", meta.directed},
            {"self_loops", meta.self_loops},
            {"made_by", meta.made_by}};
  if (meta.raw_edges >= 0) json["raw"] = {{"edges", meta.raw_edges}, {"self_loops", meta.raw_self_loops}};
  return json;
}

StoreMeta store_meta_of(const Json& json) {
  StoreMeta meta;
  meta.name = json.at("name").get<std::string>();
  meta.nodes = count_at(json, "nodes");
  meta.edges = count_at(json, "edges");
  meta.features = count_at(json, "features");
  meta.feature_dtype = dtype_named(json.at("feature_dtype").get<std::string>());
  meta.classes = count_at(json, "classes");
  meta.multi_label = json.at("multi_label").get<bool>();
  meta.directed = json.at("directed").get<bool>();
  meta.self_loops = count_at(json, "self_loops");
  meta.made_by = json.at("made_by").get<std::string>();
  if (json.contains("raw")) {
    meta.raw_edges = count_at(json.at("raw"), "edges");
    meta.raw_self_loops = count_at(json.at("raw"), "self_loops");
  }
  return meta;
}

Json json_of(const FileTable& files) {
  Json json = Json::object();
  for (const auto& [name, record] : files) {
    json[name] = {{"bytes", record.bytes}, {"checksum", hex_of_hash(record.checksum)}};
  }
  return json;
}

FileTable file_table_of(const Json& json) {
  FileTable files;
  for (const auto& [name, record] : json.items()) {
    files[name] = {count_at(record, "bytes"), hash_of_hex(record.at("checksum").get<std::string>())};
  }
  return files;
}

Json json_of(const Quality& quality) {
  Json balances = Json::array();
  for (const Balance& b : quality.balances) {
    balances.push_back({{"name", b.name},
                        {"minimum", b.minimum},
                        {"mean", b.mean},
                        {"maximum", b.maximum},
                        {"imbalance", b.imbalance()}});
  }
  return {{"cut_edges", quality.cut_edges},
          {"cut_fraction", quality.cut_fraction},
          {"communication_volume", quality.communication_volume},
          {"halo_rows", quality.halo_rows},
          {"balances", balances},
          {"empty_parts", quality.empty_parts}};
}

Quality quality_of_json(const Json& json) {
  Quality quality;
  quality.cut_edges = count_at(json, "cut_edges");
  quality.cut_fraction = json.at("cut_fraction").get<double>();
  quality.communication_volume = count_at(json, "communication_volume");
  quality.halo_rows = counts_at(json, "halo_rows");
  for (const Json& b : json.at("balances")) {
    quality.balances.push_back({b.at("name").get<std::string>(), b.at("minimum").get<double>(),
                                b.at("mean").get<double>(), b.at("maximum").get<double>()});
  }
  quality.empty_parts = small_count_at(json, "empty_parts");
  return quality;
}

Json json_of(const std::vector<LevelQuality>& levels) {
  Json json = Json::array();
  for (const LevelQuality& level : levels)
    json.push_back({{"name", level.name},
                    {"groups", level.groups},
                    {"cut_edges", level.cut_edges},
                    {"communication_volume", level.communication_volume}});
  return json;
}

std::vector<LevelQuality> levels_of(const Json& json) {
  std::vector<LevelQuality> levels;
  for (const Json& level : json)
    levels.push_back({level.at("name").get<std::string>(), small_count_at(level, "groups"),
                      count_at(level, "cut_edges"), count_at(level, "communication_volume")});
  return levels;
}

Json json_of(const PartitionMeta& meta) {
  return {{"k", meta.k},
          {"method", meta.method},
          {"objective", meta.objective},
          {"seed", meta.seed},
          {"fingerprint", hex_of_hash(meta.fingerprint)},
          {"partition_seconds", meta.partition_seconds},
          {"partition_peak_bytes", meta.partition_peak_bytes},
          {"quality", json_of(meta.quality)},
          {"levels", json_of(meta.levels)},
          {"store", json_of(meta.store)}};
}

PartitionMeta partition_meta_of(const Json& json) {
  PartitionMeta meta;
  meta.k = small_count_at(json, "k");
  meta.method = json.at("method").get<std::string>();
  meta.objective = json.at("objective").get<std::string>();
  meta.seed = integer_in(json.at("seed"), "seed").get<std::uint64_t>();
  meta.fingerprint = hash_of_hex(json.at("fingerprint").get<std::string>());
  meta.partition_seconds = json.at("partition_seconds").get<double>();
  meta.partition_peak_bytes = count_at(json, "partition_peak_bytes");
  meta.quality = quality_of_json(json.at("quality"));
  if (json.contains("levels")) meta.levels = levels_of(json.at("levels"));
  meta.store = store_meta_of(json.at("store"));
  return meta;
}

void check_ranges(const PartitionJson& json) {
  const auto k = static_cast<std::size_t>(std::max(json.meta.k, 0));
  if (json.meta.k < 1 || json.first.size() != k + 1 || json.edges.size() != k) {
    throw CorruptError("'first' and 'edges' do not fit k = " + std::to_string(json.meta.k));
  }
  std::int64_t edges = 0;
  for (const std::int64_t count : json.edges) {
    if (count < 0 || count > json.meta.store.edges - edges) throw CorruptError("'edges' does not sum up");
    edges += count;
  }
  const bool covers = json.first.front() == 0 && json.first.back() == json.meta.store.nodes &&
                      std::is_sorted(json.first.begin(), json.first.end());
  if (!covers || edges != json.meta.store.edges) throw CorruptError("the parts do not cover the store");
}

Json with_header(const char* format, const Json& body) {
  Json json = {{"format", format}, {"format_version", kVersion}};
  json.update(body);
  return json;
}

/// Parses, checks format and version, and hands the JSON to `read`; every complaint becomes a CorruptError
/// with path.
template <class Read>
auto read_json(const std::filesystem::path& path, const char* format, Read&& read) {
  const std::string text = read_sealed(path);
  shallow_json(text, path.string());
  try {
    const Json json = Json::parse(text);
    if (json.at("format").get<std::string>() != format) throw CorruptError(std::string("not a ") + format);
    const int version = small_count_at(json, "format_version");
    if (version != kVersion) {
      throw CorruptError("format version " + std::to_string(version) +
                         " is unknown; this Kith reads version " + std::to_string(kVersion));
    }
    return read(json);
  } catch (const Json::exception& error) {
    throw CorruptError(path.string() + ": " + error.what());
  } catch (const CorruptError& error) {
    throw CorruptError(path.string() + ": " + error.what());
  }
}

}  // namespace

std::string text_of(const StoreJson& json) {
  Json body = with_header(kStoreFormat, json_of(json.meta));
  body["files"] = json_of(json.files);
  return sealed(body.dump(2));
}

std::string text_of(const PartitionJson& json) {
  Json body = with_header(kPartitionFormat, json_of(json.meta));
  body["first"] = json.first;
  body["edges"] = json.edges;
  body["files"] = json_of(json.files);
  return sealed(body.dump(2));
}

StoreJson read_store_json(const std::filesystem::path& folder) {
  return read_json(folder / kStoreJson, kStoreFormat, [](const Json& json) {
    return StoreJson{store_meta_of(json), file_table_of(json.at("files"))};
  });
}

PartitionJson read_partition_json(const std::filesystem::path& folder) {
  return read_json(folder / kPartitionJson, kPartitionFormat, [](const Json& json) {
    PartitionJson result{partition_meta_of(json), counts_at(json, "first"), counts_at(json, "edges"),
                         file_table_of(json.at("files"))};
    check_ranges(result);
    return result;
  });
}

}  // namespace kith
