#pragma once
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <functional>

#include "kith/core/array.h"
#include "kith/core/parallel.h"

namespace kith {

/// A set of node numbers below n, one bit each. Any number of threads may `insert` at once; the set, its
/// count and its order do not depend on them.
class NodeBits {
 public:
  static constexpr std::int64_t kWordsPerChunk = 1 << 12;

  explicit NodeBits(std::int64_t n) : words_(static_cast<std::size_t>((n + 63) / 64), 0) {}

  void insert(std::int64_t node) {
    const std::uint64_t bit = std::uint64_t{1} << (node & 63);
    std::atomic_ref<std::uint64_t> word(words_[node >> 6]);
    // Most inserts repeat an earlier one: reading first keeps the cache line shared.
    if ((word.load(std::memory_order_relaxed) & bit) == 0) word.fetch_or(bit, std::memory_order_relaxed);
  }
  void clear() {
    parallel_for(0, words_.ssize(), kWordsPerChunk, [&](std::int64_t begin, std::int64_t end) {
      std::fill(words_.begin() + begin, words_.begin() + end, 0);
    });
  }
  std::int64_t count() const {
    return parallel_reduce(
        0, words_.ssize(), kWordsPerChunk, std::int64_t{0},
        [&](std::int64_t begin, std::int64_t end) { return count(begin, end); }, std::plus<>());
  }
  /// The members of words [begin, end), and each of them in ascending order; 64 nodes a word.
  std::int64_t count(std::int64_t begin, std::int64_t end) const {
    std::int64_t sum = 0;
    for (std::int64_t w = begin; w < end; ++w) sum += std::popcount(words_[w]);
    return sum;
  }
  template <class F>
  void for_each(std::int64_t begin, std::int64_t end, F&& f) const {
    for (std::int64_t w = begin; w < end; ++w)
      for (std::uint64_t rest = words_[w]; rest != 0; rest &= rest - 1) f(w * 64 + std::countr_zero(rest));
  }
  std::int64_t words() const { return words_.ssize(); }

 private:
  Array<std::uint64_t> words_;
};

}  // namespace kith
