#include "kith/core/philox.h"

#include <set>

#include <gtest/gtest.h>

namespace kith {
namespace {

// The known answers that come with Random123, the reference implementation.
TEST(Philox, GivesTheKnownAnswersOfItsReference) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}),
            (PhiloxWords{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32_10({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (PhiloxWords{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxWords{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, KeysDifferInSeedStreamAndLayer) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> keys;
  int count = 0;
  for (std::uint64_t seed = 0; seed < 8; ++seed)
    for (const Stream stream : {Stream::batches, Stream::sampling, Stream::dropout, Stream::partition})
      for (std::uint64_t layer = 0; layer < 8; ++layer, ++count) {
        const PhiloxKey key = philox_key(seed, stream, layer);
        keys.emplace(key.lo, key.hi);
      }
  EXPECT_EQ(std::ssize(keys), count);
}

TEST(Philox, TheCounterTakesAllBitsOfANode) {
  const PhiloxKey key = philox_key(1, Stream::sampling);
  const std::int64_t low = 5, high = low + (std::int64_t{1} << 32);
  EXPECT_NE(draw_words(key, StoreId(low), 0, 0), draw_words(key, StoreId(high), 0, 0));
  EXPECT_EQ(draw_words(key, StoreId(high), 7, 9), philox4x32_10({5, 1, 7, 9}, key));
}

TEST(Philox, BoundedStaysBelowItsBound) {
  EXPECT_EQ(bounded(~std::uint64_t{0}, 10), 9u);
  EXPECT_EQ(bounded(0, 10), 0u);
  EXPECT_EQ(bounded(~std::uint64_t{0}, 1), 0u);
  EXPECT_EQ(bounded(std::uint64_t{1} << 63, std::uint64_t{1} << 40), std::uint64_t{1} << 39);
}

TEST(Philox, BoundedIsUniform) {
  constexpr int kCells = 10, kDraws = 100'000;
  std::array<int, kCells> counts{};
  for (int i = 0; i < kDraws; ++i)
    ++counts[bounded(word64(draw_words(philox_key(3, Stream::batches), StoreId(i), 0, 0), i % 2), kCells)];
  double chi2 = 0;
  for (const int count : counts)
    chi2 += (count - kDraws / kCells) * (count - kDraws / kCells) * 1.0 / (kDraws / kCells);
  EXPECT_LT(chi2, 27.9) << "9 degrees of freedom, p = 0.001";
}

TEST(Philox, UnitNumbersAreBelowOne) {
  EXPECT_EQ(unit_float(0), 0.0f);
  EXPECT_LT(unit_float(0xffffffff), 1.0f);
  EXPECT_LT(unit_double(~std::uint64_t{0}), 1.0);
}

}  // namespace
}  // namespace kith
