#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace kith {

/// Which of k contiguous ranges an id lies in, in O(1): a bucket of ids knows the first range that reaches
/// into it, and there are at least as many buckets as ranges, so the step from there is short. Empty ranges
/// are allowed.
class RangeLookup {
 public:
  RangeLookup() = default;
  /// `bounds` [k + 1], ascending: range i holds [bounds[i], bounds[i + 1]).
  explicit RangeLookup(std::span<const std::int64_t> bounds);

  /// `id` must lie in [bounds.front(), bounds.back()).
  std::int32_t range_of(std::int64_t id) const {
    std::int32_t range = start_[(id - bounds_.front()) >> shift_];
    while (id >= bounds_[range + 1]) ++range;
    return range;
  }
  bool contains(std::int64_t id) const {
    return !bounds_.empty() && id >= bounds_.front() && id < bounds_.back();
  }

 private:
  std::vector<std::int64_t> bounds_;
  std::vector<std::int32_t> start_;
  int shift_ = 0;
};

}  // namespace kith
