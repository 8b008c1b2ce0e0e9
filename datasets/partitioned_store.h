#pragma once
#include "kith/datasets/store.h"
#include "kith/partition/halo.h"
#include "kith/partition/quality.h"

namespace kith {

/// What `partition.json` says beside the store's own meta.
struct PartitionMeta {
  int format_version = 1;
  StoreMeta store;
  int k = 1;
  std::string method;
  std::string objective;
  std::uint64_t seed = 0;
  /// Of the assignment and the graph: a checkpoint with stale state may only resume on the same partitioning.
  std::uint64_t fingerprint = 0;
  Quality quality;
  double partition_seconds = 0;
  std::int64_t partition_peak_bytes = 0;
};

/// One part, mapped. Row i is global id first + i.
struct PartView {
  Part part;
  std::int64_t first = 0;  ///< its first global id
  std::int64_t nodes = 0;
  std::span<const std::int64_t> indptr;      ///< [nodes + 1]
  IndexView indices;                         ///< global ids, ascending store id within a row
  std::span<const float> edge_weights;       ///< [m] or empty
  FeatureView features;                      ///< [nodes, F]
  LabelView labels;
  std::span<const std::int64_t> split[3];    ///< train, valid, test: global ids, ascending
  std::span<const std::int64_t> store_ids;   ///< [nodes]
  std::span<const std::int64_t> halo;        ///< global ids, ascending
  std::span<const std::int64_t> halo_by_owner;  ///< [k + 1]
};

/// k parts on disk, self-contained: the store is not needed beside it.
class PartitionedStore {
 public:
  static PartitionedStore open(const std::filesystem::path& folder, Verify verify = Verify::headers);
  PartitionedStore(PartitionedStore&&) noexcept;
  PartitionedStore& operator=(PartitionedStore&&) noexcept;
  ~PartitionedStore();

  const std::filesystem::path& folder() const;
  const PartitionMeta& meta() const;
  int k() const { return meta().k; }
  std::span<const std::int64_t> first() const;  ///< [k + 1]: the global-id range of every part
  PartView part(Part which) const;
  std::string user_id(StoreId node) const;
  bool has_user_ids() const;

 private:
  struct Contents;
  explicit PartitionedStore(std::unique_ptr<Contents> contents);
  std::unique_ptr<Contents> contents_;
};

/// Writes the parts of a store, whole or not at all.
void write_partitioned_store(const std::filesystem::path& folder, const Store& store,
                             const Partitioning& partitioning, const PartitionMeta& meta);

/// What kind of Kith folder a path is, by its JSON file; `none` when it is no folder of ours.
enum class FolderKind { none, store, partitioned_store, run };
FolderKind folder_kind(const std::filesystem::path& folder);

/// Every file against its checksum; throws CorruptError that names the file. Returns the number of files read.
int verify_folder(const std::filesystem::path& folder);

}  // namespace kith
