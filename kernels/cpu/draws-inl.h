// Philox for several draws at once, included once for each instruction set. A 64-bit lane is a draw. A 32 x
// 32 bit product fills a lane, and neither the next product nor an exclusive-or minds what is left in the
// upper half, so a round is two products, two shifts and two exclusive-ors of three. The words of consecutive
// draws interleave into the order of the elements.
#if defined(KITH_KERNELS_CPU_DRAWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KITH_KERNELS_CPU_DRAWS_INL_H_
#undef KITH_KERNELS_CPU_DRAWS_INL_H_
#else
#define KITH_KERNELS_CPU_DRAWS_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include <hwy/highway.h>

#include "kith/core/philox.h"

HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::int64_t kMostLanes = 16;

#if HWY_TARGET == HWY_SCALAR
struct Draws {
  explicit Draws(PhiloxKey key) : key_(key) {}
  std::int64_t lanes() const { return kMostLanes; }
  void words(const std::uint32_t (*counter)[kMostLanes], std::uint32_t step, std::uint32_t* out) const {
    for (std::int64_t lane = 0; lane < kMostLanes; ++lane) {
      const PhiloxWords words =
          philox4x32_10({counter[0][lane], counter[1][lane], step, counter[2][lane]}, key_);
      std::copy(words.begin(), words.end(), out + 4 * lane);
    }
  }
  void consecutive(StoreId node, std::uint32_t first, std::uint32_t step, std::uint32_t* out) const {
    for (std::uint32_t lane = 0; lane < kMostLanes; ++lane) {
      const PhiloxWords words = draw_words(key_, node, step, first + lane);
      std::copy(words.begin(), words.end(), out + 4 * lane);
    }
  }
  void some(StoreId node, std::uint32_t first, std::int64_t count, std::uint32_t step,
            std::uint32_t* out) const {
    for (std::uint32_t i = 0; i < count; ++i) {
      const PhiloxWords words = draw_words(key_, node, step, first + i);
      std::copy(words.begin(), words.end(), out + 4 * i);
    }
  }

 private:
  PhiloxKey key_;
};
#else
class Draws {
  using Tag = hn::ScalableTag<std::uint64_t>;
  using V = hn::Vec<Tag>;

 public:
  explicit Draws(PhiloxKey key) {
    for (int round = 0; round < 10; ++round) {
      lo_[round] = key.lo;
      hi_[round] = key.hi;
      key.lo += 0x9E3779B9u;
      key.hi += 0xBB67AE85u;
    }
  }
  /// Draws at once: two vectors, whose rounds do not wait for each other.
  std::int64_t lanes() const { return 2 * vector_lanes(); }

  /// The words of the draws counter[·][lane].
  HWY_INLINE void words(const std::uint32_t (*counter)[kMostLanes], std::uint32_t step,
                        std::uint32_t* out) const {
    const Tag d;
    const hn::Rebind<std::uint32_t, Tag> half;
    for (std::int64_t lane = 0; lane < lanes(); lane += vector_lanes()) {
      rounds(hn::PromoteTo(d, hn::LoadU(half, counter[0] + lane)),
             hn::PromoteTo(d, hn::LoadU(half, counter[1] + lane)), hn::Set(d, step),
             hn::PromoteTo(d, hn::LoadU(half, counter[2] + lane)), out + 4 * lane);
    }
  }
  /// The words of a node's draws from `first` on.
  HWY_INLINE void consecutive(StoreId node, std::uint32_t first, std::uint32_t step,
                              std::uint32_t* out) const {
    const Tag d;
    const auto id = static_cast<std::uint64_t>(node.value());
    for (std::int64_t lane = 0; lane < lanes(); lane += vector_lanes()) {
      rounds(hn::Set(d, id), hn::Set(d, id >> 32), hn::Set(d, step),
             numbers(first + static_cast<std::uint64_t>(lane)), out + 4 * lane);
    }
  }
  /// The words of `count` of them; `out` has room for a multiple of kMostLanes draws.
  HWY_INLINE void some(StoreId node, std::uint32_t first, std::int64_t count, std::uint32_t step,
                       std::uint32_t* out) const {
    const Tag d;
    const auto id = static_cast<std::uint64_t>(node.value());
    for (std::int64_t lane = 0; lane < count; lane += vector_lanes()) {
      rounds(hn::Set(d, id), hn::Set(d, id >> 32), hn::Set(d, step),
             numbers(first + static_cast<std::uint64_t>(lane)), out + 4 * lane);
    }
  }

 private:
  static std::int64_t vector_lanes() { return static_cast<std::int64_t>(hn::Lanes(Tag())); }
  /// first, first + 1, …: a table in memory, for hn::Iota stores lanes one by one and waits for them.
  static HWY_INLINE V numbers(std::uint64_t first) {
    return hn::Add(hn::Set(Tag(), first), hn::Load(Tag(), kPlaces));
  }
  /// Of the lower halves.
  static HWY_INLINE V product(V a, V b) {
    const hn::Repartition<std::uint32_t, Tag> narrow;
    return hn::MulEven(hn::BitCast(narrow, a), hn::BitCast(narrow, b));
  }
  /// The lower halves of low, and those of high above them.
  static HWY_INLINE V pair(V low, V high) {
    return hn::Or(hn::And(low, hn::Set(Tag(), 0xFFFFFFFFu)), hn::ShiftLeft<32>(high));
  }

  HWY_INLINE void rounds(V c0, V c1, V c2, V c3, std::uint32_t* out) const {
    const Tag d;
    const V m0 = hn::Set(d, 0xD2511F53u), m1 = hn::Set(d, 0xCD9E8D57u);
    for (int round = 0; round < 10; ++round) {
      const V p0 = product(c0, m0), p1 = product(c2, m1);
      c0 = hn::Xor3(hn::ShiftRight<32>(p1), c1, hn::Set(d, lo_[round]));
      c2 = hn::Xor3(hn::ShiftRight<32>(p0), c3, hn::Set(d, hi_[round]));
      c1 = p1;
      c3 = p0;
    }
    hn::StoreInterleaved2(pair(c0, c1), pair(c2, c3), d, reinterpret_cast<std::uint64_t*>(out));
  }

  alignas(64) static constexpr std::uint64_t kPlaces[8] = {0, 1, 2, 3, 4, 5, 6, 7};
  std::uint64_t lo_[10], hi_[10];
};
#endif

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();
#endif
