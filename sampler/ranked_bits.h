#pragma once
#include <bit>
#include <cstdint>
#include <vector>

namespace kith {

/// A fixed set of numbers in [0, size) that also numbers its members: `rank_of(i)` is how many members are
/// smaller. A bit a number plus a 64-bit count every 64 numbers: two bits a number in all, so it is
/// affordable for any graph and mostly in cache.
class RankedBits {
 public:
  RankedBits() = default;
  /// Of `members` (any order, distinct, in [0, size)).
  template <class Members>
  RankedBits(std::int64_t size, const Members& members) : words_(static_cast<std::size_t>(size / 64 + 1)) {
    for (const std::int64_t member : members) words_[member / 64].bits |= std::uint64_t{1} << (member % 64);
    for (std::size_t i = 1; i < words_.size(); ++i)
      words_[i].before = words_[i - 1].before + std::popcount(words_[i - 1].bits);
  }

  bool contains(std::int64_t i) const {
    return !words_.empty() && ((words_[i / 64].bits >> (i % 64)) & 1) != 0;
  }
  /// Of a member.
  std::int64_t rank_of(std::int64_t i) const {
    const Word& word = words_[i / 64];
    return word.before + std::popcount(word.bits & ((std::uint64_t{1} << (i % 64)) - 1));
  }
  void prefetch(std::int64_t i) const {
    if (!words_.empty()) __builtin_prefetch(&words_[i / 64]);
  }

 private:
  struct Word {
    std::uint64_t bits = 0;
    std::int64_t before = 0;
  };
  std::vector<Word> words_;
};

}  // namespace kith
