#pragma once
#include "kith/datasets/store.h"
#include "kith/partition/halo.h"
#include "kith/partition/levels.h"
#include "kith/partition/quality.h"

namespace kith {

/// What `partition.json` says beside the store's own meta.
struct PartitionMeta {
  int format_version = 1;
  StoreMeta store{};
  int k = 1;
  std::string method{};
  std::string objective{};
  std::uint64_t seed = 0;
  /// Of the assignment and the graph: a checkpoint with stale state may only resume on the same partitioning.
  std::uint64_t fingerprint = 0;
  Quality quality{};
  std::vector<LevelQuality> levels{};  ///< empty: cut at once
  double partition_seconds = 0;
  std::int64_t partition_peak_bytes = 0;
};

/// One part, mapped. Row i is global id first + i.
struct PartView {
  Part part;
  std::int64_t first = 0;  ///< its first global id
  std::int64_t nodes = 0;
  std::span<const std::int64_t> indptr;  ///< [nodes + 1]
  IndexView indices;                     ///< global ids, ascending store id within a row
  std::span<const float> edge_weights;   ///< [m] or empty
  FeatureView features;                  ///< [nodes, F]
  LabelView labels;
  std::span<const std::int64_t> split[3];       ///< train, valid, test: global ids, ascending
  std::span<const std::int64_t> store_ids;      ///< [nodes]
  std::span<const std::int64_t> halo;           ///< global ids, ascending
  std::span<const std::int64_t> halo_by_owner;  ///< [k + 1]
};

/// k parts on disk, self-contained: the store is not needed beside it.
class PartitionedStore {
 public:
  static PartitionedStore open(const std::filesystem::path& folder, Verify verify = Verify::headers);
  /// A plain store as its own single part, nothing copied: global ids are store ids. So whoever trains knows
  /// PartitionedStore only.
  static PartitionedStore whole(Store store);
  PartitionedStore(PartitionedStore&&) noexcept;
  PartitionedStore& operator=(PartitionedStore&&) noexcept;
  ~PartitionedStore();

  const std::filesystem::path& folder() const;
  const PartitionMeta& meta() const;
  int k() const { return meta().k; }
  std::span<const std::int64_t> first() const;  ///< [k + 1]: the global-id range of every part
  PartView part(Part which) const;
  /// By store id, as in the store: results are given in the user's ids and order without the store beside it.
  UserIdView user_ids() const;
  std::string user_id(StoreId node) const { return user_ids().text(node); }
  bool has_user_ids() const { return user_ids().any(); }
  std::int64_t bytes_on_disk() const;
  /// The pages of all arrays of nodes and edges read so far no longer count for this process until it reads
  /// them again.
  void leave_pages() const;

 private:
  struct Contents;
  explicit PartitionedStore(std::unique_ptr<Contents> contents);
  std::unique_ptr<Contents> contents_;
};

/// Writes the parts of a store, whole or not at all: in parallel over as many parts as fit in a quarter of
/// the memory left. Of `meta`, method, objective, seed, seconds and memory are taken as they are; the rest is
/// computed (the quality too, unless it is given).
void write_partitioned_store(const std::filesystem::path& folder, const Store& store,
                             const Partitioning& partitioning, const PartitionMeta& meta,
                             Existing existing = Existing::refuse);
/// The fingerprint `write_partitioned_store` notes.
std::uint64_t fingerprint_of(const Store& store, const Partitioning& partitioning);

/// What kind of Kith folder a path is, by its JSON file; `none` when it is no folder of ours.
enum class FolderKind { none, store, partitioned_store, run };
FolderKind folder_kind(const std::filesystem::path& folder);

/// A store (as its own single part) or a partitioned store, whichever the folder is. Throws InputError
/// otherwise.
PartitionedStore open_data(const std::filesystem::path& folder, Verify verify = Verify::headers);

/// Every file of a store or partitioned store against its checksum; throws CorruptError that names the file.
/// Returns the number of files read.
int verify_folder(const std::filesystem::path& folder);

}  // namespace kith
