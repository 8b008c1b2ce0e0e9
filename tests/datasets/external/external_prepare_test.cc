#include "kith/datasets/external/external_prepare.h"

#include "datasets/import/raw_files.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/datasets/external/edge_buckets.h"
#include "kith/datasets/external/memory_budget.h"
#include "kith/datasets/external/prepare_plan.h"

namespace kith {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// Edges as text, `hub` of 4 of them into one node, with weights.
std::string random_text(std::int64_t nodes, std::int64_t edges, bool names) {
  const PhiloxKey key = philox_key(21, Stream::generate);
  std::string text;
  for (std::int64_t i = 0; i < edges; ++i) {
    const PhiloxWords words = draw_words(key, StoreId(i), 0, 0);
    const std::string prefix = names ? "n" : "";
    text += prefix + std::to_string(words[0] % nodes) + "," + prefix +
            std::to_string(words[3] % 4 == 0 ? 3 : words[1] % nodes) + "," + std::to_string(words[2] % 1000) +
            "\n";
  }
  return text;
}

std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::directory_iterator(folder))
    all[entry.path().filename().string()] = test::file_bytes(entry.path());
  return all;
}

class External : public ::testing::Test {
 protected:
  void expect_same(const fs::path& raw, PrepareOptions options, std::int64_t budget) {
    options.existing = Existing::replace;
    prepare(raw, folder_.path() / "memory", options);
    prepare_external(raw, folder_.path() / "disk", options, budget);
    const auto memory = contents(folder_.path() / "memory"), disk = contents(folder_.path() / "disk");
    for (const auto& [name, bytes] : memory) {
      ASSERT_TRUE(disk.contains(name)) << name;
      EXPECT_TRUE(disk.at(name) == bytes) << name;
    }
    EXPECT_EQ(disk.size(), memory.size());
    Store::open(folder_.path() / "disk", Verify::checksums);
  }
  test::TemporaryFolder folder_;
};

/// Enough for the nodes and a few buckets.
constexpr std::int64_t kSmall = std::int64_t{11} << 20;

TEST_F(External, EqualsTheBuildInMemoryForEveryOption) {
  for (const bool names : {false, true}) {
    const fs::path raw = test::put(folder_.path() / "e.csv", random_text(5000, 60'000, names));
    for (const bool undirected : {false, true})
      for (const LoopPolicy loops : {LoopPolicy::keep, LoopPolicy::drop, LoopPolicy::add})
        for (const char* weight : {"", "3"}) {
          SCOPED_TRACE(::testing::Message()
                       << "names " << names << ", undirected " << undirected << ", loops "
                       << static_cast<int>(loops) << ", weight " << weight);
          expect_same(raw,
                      {.name = "g",
                       .undirected = undirected,
                       .self_loops = loops,
                       .edge_text = {.weight_column = weight}},
                      kSmall);
        }
  }
}

TEST_F(External, EqualsTheBuildInMemoryForMappedNumbersAndPackedFiles) {
  std::string text;
  for (std::int64_t i = 0; i < 30'000; ++i)
    text += std::to_string(i * i * 1'000'003) + " " + std::to_string((i % 77) << 40) + "\n";
  const fs::path raw = test::put(folder_.path() / "e.txt.gz", test::deflated(text, 31));
  expect_same(raw, {}, kSmall);
  expect_same(raw, {.undirected = true, .edge_text = {.ids = IdPolicy::map}}, kSmall);
}

TEST_F(External, OneThreadOrThreeMakeTheSame) {
  const fs::path raw = test::put(folder_.path() / "e.csv", random_text(3000, 50'000, true));
  for (const int threads : {1, 3}) {
    const ThreadLimit limit(threads);
    expect_same(raw, {.undirected = true, .edge_text = {.weight_column = "3"}}, kSmall);
  }
}

TEST_F(External, ASymmetricListIsFoundToBeSo) {
  const fs::path raw = test::put(folder_.path() / "e.txt", "0 1\n1 0\n2 2\n");
  EXPECT_FALSE(prepare_external(raw, folder_.path() / "a", {}, kSmall).meta.directed);
  const fs::path other = test::put(folder_.path() / "f.txt", "0 1\n1 0\n2 1\n");
  EXPECT_TRUE(prepare_external(other, folder_.path() / "b", {}, kSmall).meta.directed);
}

TEST_F(External, ARefusedListLeavesNothing) {
  const fs::path raw = test::put(folder_.path() / "e.txt", "0 1\n1 x\n");
  EXPECT_THAT(test::refusal([&] { prepare_external(raw, folder_.path() / "s", {}, kSmall); }),
              HasSubstr("e.txt:2"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 1);
  EXPECT_THROW(prepare_external(raw, folder_.path() / "s", {.largest_component = true}, kSmall), MemoryError);
}

TEST_F(External, NodesThatDoNotFitAreAMemoryError) {
  const fs::path raw = test::put(folder_.path() / "e.txt", "0 1\n1 9000000\n");
  EXPECT_THROW(prepare_external(raw, folder_.path() / "s", {.edge_text = {.ids = IdPolicy::dense}}, kSmall),
               MemoryError);
}

/// Sorted by the standard library; a hub's bucket is cut again by source, and keys reach the top bit.
TEST_F(External, BucketsHandOutEveryKeyInOrder) {
  for (const int bits : {3, 20, 62, 64}) {
    const fs::path work = folder_.path() / ("work" + std::to_string(bits));
    fs::create_directory(work);
    EdgeBuckets<EdgeKey> buckets(
        work, {.key_bits = bits, .entries = 200'000, .sort_bytes = 1 << 18, .buffer_bytes = 1 << 18});
    const PhiloxKey key = philox_key(4, Stream::generate);
    std::vector<std::uint64_t> want;
    std::vector<EdgeKey> block;
    for (std::int64_t i = 0; i < 200'000; ++i) {
      const PhiloxWords words = draw_words(key, StoreId(i), 0, 0);
      std::uint64_t value = word64(words, 0) >> (64 - bits);
      if (words[2] % 2 == 0) value = (value & 0xffff) | (std::uint64_t{5} << (bits - 3));
      block.push_back({value & (~std::uint64_t{0} >> (64 - bits))});
      want.push_back(block.back().key);
      if (block.size() == 10'000) buckets.add(std::exchange(block, {}));
    }
    std::sort(want.begin(), want.end());
    std::vector<std::uint64_t> got;
    buckets.drain([&](std::span<const EdgeKey> keys) {
      for (const EdgeKey one : keys) got.push_back(one.key);
    });
    EXPECT_TRUE(got == want) << bits;
  }
}

TEST(MemoryBudget, SizesAreReadAsUsersWriteThem) {
  EXPECT_EQ(bytes_of_text("2G", "memory-limit"), std::int64_t{2} << 30);
  EXPECT_EQ(bytes_of_text("1.5 GiB", "memory-limit"), std::int64_t{3} << 29);
  EXPECT_EQ(bytes_of_text("20MB", "memory-limit"), 20'000'000);
  EXPECT_EQ(bytes_of_text("4096", "memory-limit"), 4096);
  for (const char* bad : {"", "G", "-1G", "2X", "1e30", "0"})
    EXPECT_THAT(test::refusal([&] { bytes_of_text(bad, "memory-limit"); }), HasSubstr("--memory-limit"));
  EXPECT_EQ(memory_budget(7), 7);
  EXPECT_GT(memory_budget(0), 0);
}

TEST_F(External, APlanCountsEdgesNodesAndTheStoresBytes) {
  const fs::path raw = test::put(folder_.path() / "e.csv", random_text(20'000, 400'000, false));
  const PrepareOptions options;
  const PreparePlan plan = plan_prepare(raw, options);
  EXPECT_FALSE(plan.on_disk);
  EXPECT_NEAR(static_cast<double>(plan.edges), 400'000, 4'000);
  EXPECT_NEAR(static_cast<double>(plan.nodes), 20'000, 200);
  EXPECT_TRUE(plan_prepare(raw, {.memory_limit = 9 << 20}).on_disk);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 1);
  prepare(raw, folder_.path() / "s", options);
  const double made = static_cast<double>(Store::open(folder_.path() / "s").bytes_on_disk());
  EXPECT_NEAR(static_cast<double>(plan.final_disk()), made, made / 4);
}

TEST_F(External, ALimitThatIsTooSmallForTheWholeGraphSaysWhatToDo) {
  const fs::path raw = test::put(folder_.path() / "e.csv", random_text(20'000, 400'000, false));
  try {
    prepare(raw, folder_.path() / "s", {.largest_component = true, .memory_limit = 9 << 20});
    FAIL() << "a graph was made";
  } catch (const MemoryError& error) {
    EXPECT_THAT(error.what(), HasSubstr("--largest-component needs the whole graph in memory"));
  }
}

}  // namespace
}  // namespace kith
