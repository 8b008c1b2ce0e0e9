#include "kith/sampler/owned_data.h"

#include "kith/core/error.h"
#include "kith/datasets/sound.h"

namespace kith {
namespace {

template <class T, class Values>
void copy_to(Array<T>& out, std::int64_t at, const Values& values) {
  for (const auto value : values) out[at++] = T{value};
}

}  // namespace

OwnedData::OwnedData(const PartitionedStore& store, const Ownership& ownership, Rank own)
    : rank(own), whole(&store) {
  first = ownership.first(rank);
  nodes = ownership.end(rank) - first;
  require(nodes < (std::int64_t{1} << 31), "a rank owns below 2^31 nodes; use more ranks",
          {{"nodes", nodes}});
  std::vector<std::int64_t> bounds{first};
  for (Part part = ownership.first_part(rank); part < ownership.end_part(rank); ++part) {
    expect_sound(store, part);
    parts.push_back(store.part(part));
    bounds.push_back(parts.back().first + parts.back().nodes);
  }
  lookup_ = RangeLookup(bounds);
  classes = store.meta().store.classes;
  const bool multi = store.meta().store.multi_label;
  store_ids = Array<StoreId>(static_cast<std::size_t>(nodes));
  if (multi)
    multi_labels = Array<float>(static_cast<std::size_t>(nodes * classes));
  else
    labels = Array<std::int64_t>(static_cast<std::size_t>(nodes), -1);
  std::vector<std::int32_t> rows[3];
  for (const PartView& part : parts) {
    const std::int64_t at = part.first - first;
    copy_to(store_ids, at, part.store_ids);
    if (multi)
      copy_to(multi_labels, at * classes, part.labels.multi);
    else
      copy_to(labels, at, part.labels.classes);
    for (int which = 0; which < 3; ++which)
      for (const std::int64_t node : part.split[which])
        rows[which].push_back(static_cast<std::int32_t>(node - first));
  }
  for (int which = 0; which < 3; ++which) split[which] = copy_of(std::span<const std::int32_t>(rows[which]));
}

std::int64_t OwnedData::feature_cols() const { return parts.front().features.cols; }
DType OwnedData::feature_dtype() const { return parts.front().features.dtype; }
std::int64_t OwnedData::feature_row_bytes() const { return parts.front().features.row_bytes(); }

}  // namespace kith
