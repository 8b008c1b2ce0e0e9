#pragma once
#include "kith/datasets/file_table.h"
#include "kith/datasets/partitioned_store.h"

namespace kith {

inline constexpr const char* kStoreJson = "meta.json";
inline constexpr const char* kPartitionJson = "partition.json";

/// All that `meta.json` holds.
struct StoreJson {
  StoreMeta meta;
  FileTable files;
};

/// All that `partition.json` holds; the files of the parts are listed as "part-00000/indptr.npy".
struct PartitionJson {
  PartitionMeta meta;
  std::vector<std::int64_t> first;  ///< [k + 1]
  std::vector<std::int64_t> edges;  ///< [k]
  FileTable files;
};

/// Sealed texts.
std::string text_of(const StoreJson& json);
std::string text_of(const PartitionJson& json);

/// Throw CorruptError that names the file when the seal is broken, a field is missing or of the wrong type, a
/// count is negative, or the format version is unknown.
StoreJson read_store_json(const std::filesystem::path& folder);
PartitionJson read_partition_json(const std::filesystem::path& folder);

}  // namespace kith
