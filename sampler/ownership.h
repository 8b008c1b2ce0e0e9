#pragma once
#include <cstdint>
#include <vector>

#include "kith/core/ids.h"
#include "kith/datasets/partitioned_store.h"
#include "kith/sampler/range_lookup.h"

namespace kith {

/// Which rank owns which global ids: rank r of P takes parts [⌊rk/P⌋, ⌊(r+1)k/P⌋), hence one contiguous
/// range.
class Ownership {
 public:
  /// Throws InputError when P > k, with the command that makes more parts.
  Ownership(const PartitionedStore& parts, int ranks);

  int ranks() const { return static_cast<int>(first_.size()) - 1; }
  std::int64_t first(Rank rank) const { return first_[static_cast<std::size_t>(rank.value())]; }
  std::int64_t end(Rank rank) const { return first_[static_cast<std::size_t>(rank.value()) + 1]; }
  /// O(1).
  Rank rank_of(GlobalId node) const { return Rank{lookup_.range_of(node.value())}; }
  std::int64_t nodes() const { return first_.back(); }
  Part first_part(Rank rank) const { return Part{first_part_[static_cast<std::size_t>(rank.value())]}; }
  Part end_part(Rank rank) const { return Part{first_part_[static_cast<std::size_t>(rank.value()) + 1]}; }

 private:
  std::vector<std::int64_t> first_;       ///< [P + 1] global ids
  std::vector<std::int32_t> first_part_;  ///< [P + 1]
  RangeLookup lookup_;
};

}  // namespace kith
