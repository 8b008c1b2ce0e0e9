#include <set>

#include "datasets/import/raw_files.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kith {
namespace {

using ::testing::HasSubstr;

TEST(SplitSpec, WhatIsWrittenIsReadBack) {
  for (const std::string text : {"public", "mask:7", "per-class:20/30:5", "random:0.6/0.2/0.2:9"})
    EXPECT_EQ(text_of(parse_split(text)), text);
  EXPECT_EQ(parse_split("random:0.6/0.2/0.2", 4).seed, 4u);
}

TEST(SplitSpec, AnythingElseIsRefusedWithTheForms) {
  for (const std::string text :
       {"", "pubic", "random", "random:0.5/0.5", "random:0.6/0.3/0.2", "random:-0.1/0.5/0.5",
        "random:nan/0/0", "random:a/b/c", "random:0/0.5/0.5", "per-class:20", "per-class:0/30",
        "per-class:20/-1", "per-class:20/30:x", "per-class:20/30:1:2", "mask:-1", "mask:99999999999",
        "public:1", "mask:1:2"})
    EXPECT_THAT(test::refusal([&] { parse_split(text); }), HasSubstr("write public, random:")) << text;
}

std::vector<std::int64_t> joined(const SplitIds& ids) {
  std::vector<std::int64_t> all;
  for (const Array<std::int64_t>* part : {&ids.train, &ids.valid, &ids.test}) {
    EXPECT_TRUE(std::is_sorted(part->begin(), part->end()));
    all.insert(all.end(), part->begin(), part->end());
  }
  EXPECT_EQ(std::set<std::int64_t>(all.begin(), all.end()).size(), all.size());
  return all;
}

TEST(RandomSplit, DividesTheLabelledNodesInTheFractions) {
  Array<std::uint8_t> labelled(1000, std::uint8_t{1});
  for (std::int64_t i = 0; i < 1000; i += 3) labelled[i] = 0;  // 666 left
  const SplitIds ids = random_split(labelled, parse_split("random:0.5/0.25/0.25:1"));
  EXPECT_EQ(ids.train.size(), 333u);
  EXPECT_EQ(joined(ids).size(), 666u);
  for (const std::int64_t node : joined(ids)) EXPECT_NE(node % 3, 0);
  const SplitIds other = random_split(labelled, parse_split("random:0.5/0.25/0.25:2"));
  EXPECT_FALSE(std::ranges::equal(ids.train, other.train));
  EXPECT_EQ(joined(random_split(labelled, parse_split("random:0.1/0.1/0.1"))).size(), 200u);
}

TEST(PerClassSplit, TakesTheSameNumberOfEveryClass) {
  Array<std::int64_t> classes(900);
  for (std::int64_t i = 0; i < 900; ++i) classes[i] = i % 4 - 1;
  const SplitIds ids = per_class_split(classes, 3, parse_split("per-class:20/30:3"));
  EXPECT_EQ(ids.test.size(), 675u - 150u);
  joined(ids);
  for (const auto& [part, each] : {std::pair{&ids.train, 20}, {&ids.valid, 30}})
    for (std::int64_t c = 0; c < 3; ++c)
      EXPECT_EQ(std::count_if(part->begin(), part->end(), [&](std::int64_t i) { return classes[i] == c; }),
                each);
  EXPECT_THAT(test::refusal([&] { per_class_split(classes, 3, parse_split("per-class:200/30")); }),
              HasSubstr("class 0 has only 225 labelled nodes, 230 are needed"));
}

}  // namespace
}  // namespace kith
