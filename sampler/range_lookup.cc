#include "kith/sampler/range_lookup.h"

#include <algorithm>

#include "kith/core/error.h"

namespace kith {

RangeLookup::RangeLookup(std::span<const std::int64_t> bounds) : bounds_(bounds.begin(), bounds.end()) {
  require(bounds_.size() >= 2 && std::is_sorted(bounds_.begin(), bounds_.end()),
          "range bounds ascend and enclose at least one range", {{"bounds", bounds_.size()}});
  const std::int64_t ids = bounds_.back() - bounds_.front();
  const auto buckets_wanted = static_cast<std::int64_t>(bounds_.size()) * 4;
  while (shift_ < 62 && (ids >> (shift_ + 1)) >= buckets_wanted) ++shift_;
  start_.resize(static_cast<std::size_t>((ids >> shift_) + 1));
  std::int32_t range = 0;
  for (std::size_t bucket = 0; bucket < start_.size(); ++bucket) {
    const std::int64_t first = bounds_.front() + (static_cast<std::int64_t>(bucket) << shift_);
    while (static_cast<std::size_t>(range) + 2 < bounds_.size() && first >= bounds_[range + 1]) ++range;
    start_[bucket] = range;
  }
}

}  // namespace kith
