#include "kith/sampler/draws.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

namespace kith {
namespace {

// χ² of `cells` counts against equal expectations, as standard deviations from its mean (it is near normal
// for many cells). A fixed key: the value is the same in every run.
double chi_square_z(const std::vector<std::int64_t>& counts, std::int64_t draws, double variance_share) {
  const double cells = static_cast<double>(counts.size());
  const double expected = static_cast<double>(draws) / cells;
  double sum = 0;
  for (const std::int64_t count : counts) {
    const double difference = static_cast<double>(count) - expected;
    sum += difference * difference / expected;
  }
  sum /= variance_share;
  return (sum - (cells - 1)) / std::sqrt(2 * (cells - 1));
}

std::vector<std::int64_t> counts_of(std::uint32_t degree, std::size_t fanout, std::int64_t draws,
                                    bool replace) {
  const PhiloxKey key = philox_key(12345, Stream::sampling, 0);
  std::vector<std::int64_t> counts(degree, 0);
  std::vector<std::uint32_t> positions(fanout);
  for (std::int64_t i = 0; i < draws / static_cast<std::int64_t>(fanout); ++i) {
    const DrawSource source{key, StoreId{i / 1000}, static_cast<std::uint32_t>(i % 1000)};
    if (replace)
      draw_replaced(source, degree, positions);
    else
      draw_distinct(source, degree, positions);
    for (const std::uint32_t position : positions) ++counts[position];
  }
  return counts;
}

TEST(Draws, AHubOfDegree50000IsSampledUniformly) {
  for (const bool replace : {false, true}) {
    const double z = chi_square_z(counts_of(50'000, 10, 1'000'000, replace), 1'000'000, 1);
    EXPECT_LT(std::abs(z), 3.3) << (replace ? "with" : "without") << " replacement";
  }
}

TEST(Draws, EveryPositionOfASmallRowIsEquallyLikely) {
  // f of d distinct positions: a count's variance is that of draws with replacement times (1 − f/d).
  for (const std::size_t fanout : {1, 7, 19}) {
    const std::int64_t draws = 200'000 * static_cast<std::int64_t>(fanout);
    const double z =
        chi_square_z(counts_of(20, fanout, draws, false), draws, (20.0 - static_cast<double>(fanout)) / 19);
    EXPECT_LT(std::abs(z), 4) << "fanout " << fanout;
  }
}

TEST(Draws, EveryPairOfPositionsIsEquallyLikely) {
  const PhiloxKey key = philox_key(5, Stream::sampling, 1);
  std::vector<std::int64_t> pairs(8 * 8, 0);
  std::uint32_t out[2];
  const std::int64_t draws = 280'000;
  for (std::int64_t i = 0; i < draws; ++i) {
    draw_distinct({key, StoreId{i}, 0}, 8, out);
    ++pairs[std::min(out[0], out[1]) * 8 + std::max(out[0], out[1])];
  }
  std::erase(pairs, 0);
  ASSERT_EQ(pairs.size(), 28u);
  EXPECT_LT(std::abs(chi_square_z(pairs, draws, 1)), 4);
}

TEST(Draws, TheScanAndTheSetDrawTheSame) {
  // 48 and 49 lie on the two sides of the switch; both must keep Floyd's rule, replayed here with a std::set.
  for (const std::size_t fanout : {48, 49, 500}) {
    for (std::int64_t node = 0; node < 50; ++node) {
      const DrawSource source{philox_key(1, Stream::sampling, 0), StoreId{node}, 3};
      std::vector<std::uint32_t> out(fanout);
      draw_distinct(source, 600, out);
      std::set<std::uint32_t> taken;
      for (std::size_t i = 0; i < fanout; ++i) {
        const auto words = draw_words(source.key, source.node, 3, static_cast<std::uint32_t>(i / 2));
        const auto j = static_cast<std::uint32_t>(600 - fanout + i);
        const auto t = static_cast<std::uint32_t>(bounded(word64(words, static_cast<int>(i % 2)), j + 1));
        EXPECT_EQ(out[i], taken.count(t) > 0 ? j : t);
        taken.insert(out[i]);
      }
      EXPECT_EQ(taken.size(), fanout);
    }
  }
}

}  // namespace
}  // namespace kith
