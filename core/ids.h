#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace kith {

/// An integer that names one kind of thing. Two kinds never convert into each other silently; `value()` and
/// the constructor are the explicit ways out and in. Same layout as `Rep`, so arrays of ids are mapped from
/// files.
template <class Tag, class Rep>
class Id {
 public:
  using rep = Rep;
  constexpr Id() = default;
  constexpr explicit Id(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  constexpr Id& operator++() {
    ++value_;
    return *this;
  }
  friend constexpr auto operator<=>(Id, Id) = default;

 private:
  Rep value_ = 0;
};

/// A node as the user named it (when the names are numbers).
using UserId = Id<struct UserIdTag, std::int64_t>;
/// A node's row in the store.
using StoreId = Id<struct StoreIdTag, std::int64_t>;
/// A node's contiguous number in one partitioning (part-major).
using GlobalId = Id<struct GlobalIdTag, std::int64_t>;
/// A node's row on one rank: owned rows first, then halo rows.
using LocalId = Id<struct LocalIdTag, std::int32_t>;
/// One piece of a partitioning.
using Part = Id<struct PartTag, std::int32_t>;
/// One process of the job.
using Rank = Id<struct RankTag, std::int32_t>;
/// A position in `indices`.
using EdgeOffset = Id<struct EdgeOffsetTag, std::int64_t>;

}  // namespace kith

template <class Tag, class Rep>
struct std::hash<kith::Id<Tag, Rep>> {
  std::size_t operator()(kith::Id<Tag, Rep> id) const noexcept { return std::hash<Rep>{}(id.value()); }
};
