#include "kith/datasets/mapped_rows.h"

namespace kith {
namespace {

template <class T>
std::span<const T> values_or_nothing(const NpyFile& file) {
  return file.file().size() == 0 ? std::span<const T>() : file.view().values<T>();
}

/// The ends of the offsets, which O(1) can check; what lies between is checked by checksum.
void check_ends(const NpyFile& file, std::span<const std::int64_t> offsets, std::int64_t total) {
  if (offsets.front() == 0 && offsets.back() == total) return;
  throw CorruptError(file.view().where + ": runs from " + std::to_string(offsets.front()) + " to " +
                     std::to_string(offsets.back()) + " where 0 to " + std::to_string(total) +
                     " is expected");
}

}  // namespace

std::string array_name::of(Split split) { return std::string(name_of(split)) + ".npy"; }

DType index_dtype(std::int64_t nodes) { return nodes < (std::int64_t{1} << 31) ? DType::i32 : DType::i64; }

MappedRows MappedRows::open(const std::filesystem::path& folder, const FileTable& table,
                            const std::string& prefix, const StoreMeta& meta, std::int64_t rows,
                            std::int64_t edges) {
  const auto array = [&](const char* name, DType dtype, std::initializer_list<std::int64_t> shape) {
    return open_array(folder, table, prefix + name, dtype, shape);
  };
  MappedRows result;
  result.rows_ = rows;
  result.indptr_ = array(array_name::kIndptr, DType::i64, {rows + 1});
  check_ends(result.indptr_, result.indptr(), edges);
  result.indices_ = array(array_name::kIndices, index_dtype(meta.nodes), {edges});
  if (table.contains(prefix + array_name::kEdgeWeights)) {
    result.edge_weights_ = array(array_name::kEdgeWeights, DType::f32, {edges});
  }
  result.open_features(folder, table, prefix, meta);
  result.classes_ = meta.classes;
  if (meta.classes > 0 && meta.multi_label) {
    result.labels_ = array(array_name::kLabels, DType::f32, {rows, meta.classes});
  } else if (meta.classes > 0) {
    result.labels_ = array(array_name::kLabels, DType::i64, {rows});
  }
  for (const Split split : kSplits) {
    result.splits_[static_cast<std::size_t>(split)] = array(array_name::of(split).c_str(), DType::i64, {-1});
  }
  return result;
}

void MappedRows::open_features(const std::filesystem::path& folder, const FileTable& table,
                               const std::string& prefix, const StoreMeta& meta) {
  columns_ = meta.features;
  feature_dtype_ = meta.feature_dtype;
  if (columns_ == 0) return;
  features_ = open_array(folder, table, prefix + array_name::kFeatures, feature_dtype_, {rows_, columns_});
  if (feature_dtype_ == DType::i8) {
    scales_ = open_array(folder, table, prefix + array_name::kFeatureScales, DType::f32, {rows_});
  }
}

IndexView MappedRows::indices() const {
  const NpyView& view = indices_.view();
  if (view.header.dtype == DType::i32) return view.values<std::int32_t>();
  return view.values<std::int64_t>();
}

std::span<const float> MappedRows::edge_weights() const { return values_or_nothing<float>(edge_weights_); }

void MappedRows::leave_pages() const {
  for (const NpyFile* array : {&indptr_, &indices_, &edge_weights_, &features_, &scales_, &labels_})
    array->file().leave_pages();
  for (const NpyFile& split : splits_) split.file().leave_pages();
}

FeatureView MappedRows::features() const {
  return {features_.view().data.data(), feature_dtype_, rows_, columns_, values_or_nothing<float>(scales_)};
}

LabelView MappedRows::labels() const {
  LabelView labels;
  labels.count = classes_;
  if (labels_.file().size() == 0) return labels;
  if (labels_.view().header.dtype == DType::f32) {
    labels.multi = labels_.view().values<float>();
  } else {
    labels.classes = labels_.view().values<std::int64_t>();
  }
  return labels;
}

std::span<const std::int64_t> MappedRows::split(Split which) const {
  return splits_[static_cast<std::size_t>(which)].view().values<std::int64_t>();
}

MappedUserIds MappedUserIds::open(const std::filesystem::path& folder, const FileTable& table,
                                  std::int64_t nodes) {
  MappedUserIds ids;
  if (table.contains(array_name::kNodeIds)) {
    ids.numbers_ = open_array(folder, table, array_name::kNodeIds, DType::i64, {nodes});
  } else if (table.contains(array_name::kNodeNames)) {
    ids.names_ = open_array(folder, table, array_name::kNodeNames, DType::u8, {-1});
    ids.offsets_ = open_array(folder, table, array_name::kNodeNameOffsets, DType::i64, {nodes + 1});
    check_ends(ids.offsets_, ids.offsets_.view().values<std::int64_t>(), ids.names_.view().rows());
  }
  return ids;
}

UserIdView MappedUserIds::view() const {
  return {values_or_nothing<std::int64_t>(numbers_), values_or_nothing<std::int64_t>(offsets_),
          values_or_nothing<std::uint8_t>(names_)};
}

}  // namespace kith
