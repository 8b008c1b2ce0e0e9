#pragma once
#include <memory>
#include <vector>

#include "kith/core/array.h"
#include "kith/sampler/ownership.h"

namespace kith {

/// The rows one rank owns, over all its parts; row i is global id first + i. Labels and splits are copied
/// (small), features are read in place from the mapped parts. The partitioned store must outlive it.
struct OwnedData {
  OwnedData(const PartitionedStore& parts, const Ownership& ownership, Rank rank);

  Rank rank;
  const PartitionedStore* whole = nullptr;  ///< with the parts of all
  std::int64_t first = 0;
  std::int64_t nodes = 0;
  Array<StoreId> store_ids;    ///< [nodes]
  Array<std::int64_t> labels;  ///< [nodes], −1: none; empty when multi-label
  Array<float> multi_labels;   ///< [nodes, classes] or empty
  std::int64_t classes = 0;
  Array<std::int32_t> split[3];  ///< owned rows of train, valid, test, ascending
  std::vector<PartView> parts;

  std::int64_t feature_cols() const;
  DType feature_dtype() const;
  std::int64_t feature_row_bytes() const;
  /// The stored bytes of an owned row's features.
  const std::byte* feature_row(std::int64_t row) const {
    const PartView& part = part_of(row);
    return part.features.row(row + first - part.first);
  }
  /// int8 only: that row's scale; 1 otherwise.
  float feature_scale(std::int64_t row) const {
    const PartView& part = part_of(row);
    return part.features.scales.empty() ? 1.0f : part.features.scales[row + first - part.first];
  }

 private:
  const PartView& part_of(std::int64_t row) const { return parts[lookup_.range_of(row + first)]; }
  RangeLookup lookup_;
};

}  // namespace kith
