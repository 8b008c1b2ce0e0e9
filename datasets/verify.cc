#include <filesystem>

#include "kith/core/error.h"
#include "kith/datasets/meta_json.h"

namespace kith {

FolderKind folder_kind(const std::filesystem::path& folder) {
  const auto holds = [&](const char* name) {
    std::error_code unreadable;  // the link that leads nowhere is told when it is opened
    return std::filesystem::is_regular_file(folder / name, unreadable);
  };
  if (holds(kPartitionJson)) return FolderKind::partitioned_store;
  if (holds(kStoreJson)) return FolderKind::store;
  if (holds("summary.json") || holds("metrics.jsonl")) return FolderKind::run;
  return FolderKind::none;
}

PartitionedStore open_data(const std::filesystem::path& folder, Verify verify) {
  switch (folder_kind(folder)) {
    case FolderKind::store: return PartitionedStore::whole(Store::open(folder, verify));
    case FolderKind::partitioned_store: return PartitionedStore::open(folder, verify);
    default: break;
  }
  const char* what =
      std::filesystem::exists(folder) ? ": neither a store nor a partitioned store" : ": not there";
  throw InputError(folder.string() + what + "; `kith prepare` makes a store");
}

int verify_folder(const std::filesystem::path& folder) {
  const int json_files = 1;
  switch (folder_kind(folder)) {
    case FolderKind::store: return json_files + verify_files(folder, read_store_json(folder).files);
    case FolderKind::partitioned_store:
      return json_files + verify_files(folder, read_partition_json(folder).files);
    default: throw InputError(folder.string() + ": neither a store nor a partitioned store");
  }
}

}  // namespace kith
