// Blocks here are addresses that nobody touches.
#include "kith/core/block_pool.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

namespace kith {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

/// A pool whose blocks are made and sent back as a process would.
struct Process {
  BlockPool pool;
  std::map<std::byte*, std::size_t> exist, in_use;
  std::uintptr_t next = kMiB;
  std::size_t made = 0;

  std::byte* take(std::size_t bytes) {
    std::byte* data = pool.take(bytes);
    if (data == nullptr) {
      forget(pool.make_room(bytes));
      data = reinterpret_cast<std::byte*>(next);
      next += bytes;
      exist[data] = bytes;
      pool.add(data, bytes);
      ++made;
    }
    EXPECT_GE(exist.at(data), bytes);
    EXPECT_TRUE(in_use.emplace(data, exist.at(data)).second) << "a block was given to two";
    return data;
  }
  void give(std::byte* data) {
    in_use.erase(data);
    forget(pool.give(data));
  }
  void forget(const std::vector<BlockPool::Block>& blocks) {
    for (const BlockPool::Block& block : blocks) {
      EXPECT_FALSE(in_use.contains(block.data));
      EXPECT_EQ(exist.at(block.data), block.bytes);
      exist.erase(block.data);
    }
  }
  static std::size_t sum(const std::map<std::byte*, std::size_t>& blocks) {
    std::size_t bytes = 0;
    for (const auto& [data, size] : blocks) bytes += size;
    return bytes;
  }
};

TEST(BlockPool, StepsOfTheSameSizesMakeBlocksOnce) {
  Process process;
  for (int step = 0; step < 10; ++step) {
    std::vector<std::byte*> live;
    for (const std::size_t mib : {100, 50, 50, 75, 3}) live.push_back(process.take(mib * kMiB));
    for (std::byte* data : live) process.give(data);
  }
  EXPECT_EQ(process.made, 5u);
}

TEST(BlockPool, StepsOfAnySizesKeepLittleMoreThanOneNeeds) {
  std::mt19937 random(7);
  Process process;
  std::size_t most = 0;
  for (int step = 0; step < 200; ++step) {
    std::vector<std::byte*> live;
    for (int i = 0; i < 8; ++i) {
      live.push_back(process.take((1 + random() % 200) * kMiB));
      most = std::max(most, Process::sum(process.in_use));
      EXPECT_LE(Process::sum(process.exist), most + most / 8);
    }
    for (std::byte* data : live) process.give(data);
  }
  EXPECT_LT(process.made, 1600u / 2) << "most blocks are used again";
}

TEST(BlockPool, TheSmallestBlockThatHoldsItIsTaken) {
  Process process;
  std::byte* large = process.take(20 * kMiB);
  std::byte* fitting = process.take(11 * kMiB);
  process.give(large);
  process.give(fitting);
  EXPECT_EQ(process.take(10 * kMiB), fitting);
  EXPECT_EQ(process.take(10 * kMiB), large);
  EXPECT_EQ(process.pool.take(1), nullptr);
}

TEST(BlockPool, ASmallNeedDoesNotHoldALargeBlock) {
  Process process;
  process.give(process.take(100 * kMiB));
  EXPECT_EQ(process.pool.take(49 * kMiB), nullptr);
  EXPECT_NE(process.pool.take(50 * kMiB), nullptr);
}

TEST(BlockPool, AReleaseForgetsWhatWasOnceNeeded) {
  Process process;
  process.give(process.take(1000 * kMiB));
  process.forget(process.pool.release());
  for (const std::size_t mib : {10, 30, 10, 30, 10}) process.give(process.take(mib * kMiB));
  EXPECT_LE(Process::sum(process.exist), 34 * kMiB);
}

}  // namespace
}  // namespace kith
