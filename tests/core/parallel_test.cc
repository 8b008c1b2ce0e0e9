#include "kith/core/parallel.h"

#include <atomic>
#include <cmath>
#include <functional>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

#include "kith/core/philox.h"

namespace kith {
namespace {

TEST(ParallelFor, ChunksTileTheRangeForAnyNumberOfThreads) {
  for (const int threads : {1, 2, 4}) {
    const ThreadLimit limit(threads);
    std::mutex mutex;
    std::set<std::pair<std::int64_t, std::int64_t>> chunks;
    parallel_for(3, 28, 10, [&](std::int64_t begin, std::int64_t end) {
      const std::lock_guard lock(mutex);
      chunks.emplace(begin, end);
    });
    EXPECT_EQ(chunks, (std::set<std::pair<std::int64_t, std::int64_t>>{{3, 13}, {13, 23}, {23, 28}}));
  }
}

TEST(ParallelFor, AnEmptyRangeCallsNothing) {
  parallel_for(5, 5, 1, [](std::int64_t, std::int64_t) { FAIL(); });
  parallel_for(6, 5, 1, [](std::int64_t, std::int64_t) { FAIL(); });
}

TEST(ParallelFor, AnExceptionReachesTheCaller) {
  for (const int threads : {1, 2}) {
    const ThreadLimit limit(threads);
    const auto loop = [] {
      parallel_for(0, 100, 1, [](std::int64_t begin, std::int64_t) {
        if (begin == 42) throw std::runtime_error("chunk 42");
      });
    };
    EXPECT_THROW(loop(), std::runtime_error);
  }
}

TEST(ThreadLimit, HoldsAsLongAsItLives) {
  const int before = thread_count();
  {
    const ThreadLimit limit(1);
    EXPECT_EQ(thread_count(), 1);
  }
  EXPECT_EQ(thread_count(), before);
}

TEST(ParallelReduce, FloatSumsHaveTheSameBitsForAnyNumberOfThreads) {
  std::vector<float> values(1'000'003);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = unit_float(philox4x32_10({static_cast<std::uint32_t>(i), 0, 0, 0}, {1, 2})[0]) - 0.5f;
  const auto sum = [&](int threads) {
    const ThreadLimit limit(threads);
    return parallel_reduce(
        0, std::ssize(values), 1000, 0.0f,
        [&](std::int64_t begin, std::int64_t end) {
          return std::accumulate(values.begin() + begin, values.begin() + end, 0.0f);
        },
        [](float a, float b) { return a + b; });
  };
  EXPECT_EQ(sum(1), sum(2));
  EXPECT_EQ(sum(1), sum(4));
  EXPECT_NEAR(sum(1), std::accumulate(values.begin(), values.end(), 0.0), 0.5);
}

TEST(ParallelReduce, OfNothingIsTheIdentity) {
  const auto map = [](std::int64_t, std::int64_t) { return 1; };
  EXPECT_EQ(parallel_reduce(4, 4, 10, -3, map, std::plus<>()), -3);
}

// Answers of neighbouring chunks must not share a byte, as they would in a std::vector<bool>.
TEST(ParallelReduce, LosesNoAnswerOfAChunk) {
  const ThreadLimit limit(4);
  for (std::int64_t round = 0; round < 3000; ++round) {
    const auto is_this_one = [&](std::int64_t begin, std::int64_t) { return begin == round % 64; };
    ASSERT_TRUE(parallel_reduce(0, 64, 1, false, is_this_one, std::logical_or<>())) << round;
  }
}

TEST(PrefixSum, EqualsTheSequentialOne) {
  for (const std::int64_t count : {0, 1, 2, 65536, 65537, 300'001}) {
    std::vector<std::int64_t> values(static_cast<std::size_t>(count)), expected(values);
    for (std::int64_t i = 0; i < count; ++i) values[i] = (i * 7919) % 101 - 3;
    std::exclusive_scan(values.begin(), values.end(), expected.begin(), std::int64_t{0});
    const std::int64_t total = std::accumulate(values.begin(), values.end(), std::int64_t{0});
    EXPECT_EQ(exclusive_prefix_sum(values.data(), count), total);
    EXPECT_EQ(values, expected);
  }
}

}  // namespace
}  // namespace kith
