#pragma once
#include <bit>
#include <cstdint>

#include "kith/core/philox.h"

namespace kith {

/// A keyed permutation of [0, n) that needs no memory: a four-round Feistel network on the next even power of
/// two, walked until it falls below n (fewer than four steps on average).
class Shuffle {
 public:
  Shuffle(std::int64_t n, PhiloxKey key)
      : n_(static_cast<std::uint64_t>(n)),
        half_bits_((static_cast<int>(std::bit_width(n_ > 1 ? n_ - 1 : std::uint64_t{1})) + 1) / 2),
        mask_((std::uint64_t{1} << half_bits_) - 1),
        key_(key.lo | static_cast<std::uint64_t>(key.hi) << 32) {}

  std::int64_t operator()(std::int64_t i) const {
    auto x = static_cast<std::uint64_t>(i);
    do {
      x = permuted(x);
    } while (x >= n_);
    return static_cast<std::int64_t>(x);
  }

 private:
  std::uint64_t permuted(std::uint64_t x) const {
    std::uint64_t left = x >> half_bits_, right = x & mask_;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t next = left ^ (mix64(right ^ mix64(key_ + round)) & mask_);
      left = right;
      right = next;
    }
    return left << half_bits_ | right;
  }

  std::uint64_t n_;
  int half_bits_;
  std::uint64_t mask_;
  std::uint64_t key_;
};

}  // namespace kith
