#include "kith/sampler/ordered_chunks.h"

#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace kith {
namespace {

TEST(OrderedChunks, AreTakenOnceInOrderAndOnlyWhenMade) {
  for (const int threads : {1, 2, 4}) {
    const ThreadLimit limit(threads);
    for (const std::int64_t chunks : {0, 1, 2, 3, 17, 64})
      for (int again = 0; again < 50; ++again) {
        std::vector<int> made(static_cast<std::size_t>(chunks), 0);
        std::vector<std::int64_t> taken;
        for_ordered_chunks(
            chunks, [&](std::int64_t chunk) { made[chunk] = 1; },
            [&](std::int64_t chunk) {
              EXPECT_EQ(made[chunk], 1);
              taken.push_back(chunk);
            });
        std::vector<std::int64_t> expected(static_cast<std::size_t>(chunks));
        std::iota(expected.begin(), expected.end(), 0);
        EXPECT_EQ(taken, expected) << threads << " threads";
      }
  }
}

}  // namespace
}  // namespace kith
