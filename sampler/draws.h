#pragma once
// The positions that one node draws from its d candidates: a pure function of (key, store id, step), so any
// rank that knows the degree draws the same.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "kith/core/philox.h"

namespace kith {

/// Whose draws, and of which step.
struct DrawSource {
  PhiloxKey key;
  StoreId node;
  std::uint32_t step = 0;
};

namespace detail {

/// Calls use(i, r_i) for i in [0, count) with r_i = 64 random bits; two share a Philox block.
template <class Use>
void for_draws(const DrawSource& source, std::int64_t count, Use&& use) {
  for (std::int64_t i = 0; i < count; i += 2) {
    const PhiloxWords words =
        draw_words(source.key, source.node, source.step, static_cast<std::uint32_t>(i / 2));
    use(i, word64(words, 0));
    if (i + 1 < count) use(i + 1, word64(words, 1));
  }
}

/// Floyd's choice of a drawn `t` or, if it is taken, `j` itself; `taken(t)` says whether.
template <class Taken>
void floyd(const DrawSource& source, std::uint32_t d, std::span<std::uint32_t> out, Taken&& taken) {
  const auto fanout = static_cast<std::uint32_t>(out.size());
  for_draws(source, static_cast<std::int64_t>(out.size()), [&](std::int64_t i, std::uint64_t random) {
    const std::uint32_t j = d - fanout + static_cast<std::uint32_t>(i);
    const auto t = static_cast<std::uint32_t>(bounded(random, std::uint64_t{j} + 1));
    out[i] = taken(t, i) ? j : t;
  });
}

/// Open addressing for the large fanouts; positions are stored increased by one.
class PositionSet {
 public:
  explicit PositionSet(std::size_t positions) : slots_(std::bit_ceil(positions * 2 + 1), 0) {}
  /// False when it was there.
  bool insert(std::uint32_t position) {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t slot = mix64(position) & mask;; slot = (slot + 1) & mask) {
      if (slots_[slot] == std::uint64_t{position} + 1) return false;
      if (slots_[slot] != 0) continue;
      slots_[slot] = std::uint64_t{position} + 1;
      return true;
    }
  }

 private:
  std::vector<std::uint64_t> slots_;
};

}  // namespace detail

/// out.size() < d distinct positions in [0, d), each subset equally likely, in draw order: Floyd's algorithm
/// (Bentley & Floyd, "A sample of brilliance", CACM 1987).
inline void draw_distinct(const DrawSource& source, std::uint32_t d, std::span<std::uint32_t> out) {
  constexpr std::size_t kScanned = 48;  // up to here a linear scan beats any set
  if (out.size() <= kScanned) {
    detail::floyd(source, d, out, [&](std::uint32_t t, std::int64_t i) {
      bool taken = false;
      for (std::int64_t q = 0; q < i; ++q) taken |= out[q] == t;
      return taken;
    });
    return;
  }
  detail::PositionSet set(out.size());
  detail::floyd(source, d, out, [&](std::uint32_t t, std::int64_t i) {
    if (set.insert(t)) return false;
    set.insert(d - static_cast<std::uint32_t>(out.size()) + static_cast<std::uint32_t>(i));
    return true;
  });
}

/// out.size() independent positions in [0, d), d > 0.
inline void draw_replaced(const DrawSource& source, std::uint32_t d, std::span<std::uint32_t> out) {
  detail::for_draws(source, static_cast<std::int64_t>(out.size()), [&](std::int64_t i, std::uint64_t random) {
    out[i] = static_cast<std::uint32_t>(bounded(random, d));
  });
}

}  // namespace kith
