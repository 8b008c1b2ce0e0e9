#pragma once
#include <array>

#include "kith/datasets/file_table.h"
#include "kith/datasets/store.h"

namespace kith {

/// The names of the arrays, in a store's folder and in a part's.
namespace array_name {
inline constexpr const char* kIndptr = "indptr.npy";
inline constexpr const char* kIndices = "indices.npy";
inline constexpr const char* kEdgeWeights = "edge_weights.npy";
inline constexpr const char* kFeatures = "features.npy";
inline constexpr const char* kFeatureScales = "feature_scales.npy";
inline constexpr const char* kLabels = "labels.npy";
inline constexpr const char* kNodeIds = "node_ids.npy";
inline constexpr const char* kNodeNames = "node_names.npy";
inline constexpr const char* kNodeNameOffsets = "node_name_offsets.npy";
inline constexpr const char* kStoreIds = "store_ids.npy";
inline constexpr const char* kHalo = "halo.npy";
inline constexpr const char* kHaloByOwner = "halo_by_owner.npy";
std::string of(Split split);
}  // namespace array_name

/// The width of a column: int32 below 2³¹ nodes, int64 from there.
DType index_dtype(std::int64_t nodes);

/// The arrays that a store has for all its nodes and a part for its own: mapped, headers and ends checked.
class MappedRows {
 public:
  /// Of `rows` nodes with `edges` in-edges; the table lists the files under `prefix` + name.
  static MappedRows open(const std::filesystem::path& folder, const FileTable& table,
                         const std::string& prefix, const StoreMeta& meta, std::int64_t rows,
                         std::int64_t edges);

  std::span<const std::int64_t> indptr() const { return indptr_.view().values<std::int64_t>(); }
  IndexView indices() const;
  std::span<const float> edge_weights() const;
  FeatureView features() const;
  LabelView labels() const;
  std::span<const std::int64_t> split(Split which) const;
  /// Leaves the pages of all arrays to the page cache until they are read again.
  void leave_pages() const;

 private:
  void open_features(const std::filesystem::path& folder, const FileTable& table, const std::string& prefix,
                     const StoreMeta& meta);

  std::int64_t rows_ = 0;
  std::int64_t columns_ = 0;
  std::int64_t classes_ = 0;
  DType feature_dtype_ = DType::f32;
  NpyFile indptr_, indices_;
  NpyFile edge_weights_, features_, scales_, labels_;  ///< without a file where there are none
  std::array<NpyFile, 3> splits_;
};

/// The user's ids of all nodes, mapped; the same files in a store and in a partitioned store.
class MappedUserIds {
 public:
  static MappedUserIds open(const std::filesystem::path& folder, const FileTable& table, std::int64_t nodes);
  UserIdView view() const;

 private:
  NpyFile numbers_, offsets_, names_;
};

}  // namespace kith
