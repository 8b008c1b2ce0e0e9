#include "datasets/import/raw_files.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/parallel.h"
#include "kith/core/philox.h"

namespace kith {
namespace {

using test::refusal;
using ::testing::HasSubstr;
using Pairs = std::vector<std::pair<std::int64_t, std::int64_t>>;

class EdgeList : public ::testing::Test {
 protected:
  RawDataset read(const std::string& text, const std::string& name = "e.txt") {
    return test::imported(test::put(folder_.path() / name, text));
  }
  std::string said(const std::string& text) {
    return refusal([&] { read(text); });
  }
  test::TemporaryFolder folder_;
};

Pairs pairs_of(const RawDataset& raw) {
  Pairs pairs;
  const auto& edges = std::get<OwnedColumns<std::int32_t>>(raw.edges);
  for (std::int64_t e = 0; e < edges.source.ssize(); ++e)
    pairs.emplace_back(edges.source[e], edges.destination[e]);
  return pairs;
}

TEST_F(EdgeList, SeparatorsCommentsHeadersAndLineEndsDoNotMatter) {
  const Pairs want = {{0, 1}, {1, 2}, {2, 0}};
  for (const std::string text : {"0 1\n1 2\n2 0\n", "0,1\n1,2\n2,0", "0\t1\r\n1\t2\r\n2\t0\r\n",
                                 "# a\n% b\n\n0;1\n# c\n1;2\n2;0\n\n", "source,target\n0,1\n1,2\n2,0\n",
                                 "0 | 1\n  1 | 2\n2|0  \n", "src dst weight\n0 1 0.5\n1 2 x\n2 0 1e9\n"})
    EXPECT_EQ(pairs_of(read(text)), want) << text;
}

TEST_F(EdgeList, GzipIsReadToo) {
  EXPECT_EQ(pairs_of(read(test::deflated("0 1\n1 2\n", 31), "e.csv.gz")), (Pairs{{0, 1}, {1, 2}}));
}

TEST_F(EdgeList, IdsThatAreMissingNowAndThenAreIsolatedNodes) {
  const RawDataset raw = read("0 5\n");
  EXPECT_EQ(raw.nodes, 6);
  EXPECT_TRUE(raw.node_ids.empty());
}

TEST_F(EdgeList, IdsWithLargeGapsAreKeptAsTheUsersIds) {
  const RawDataset raw = read("9000000000000 7\n7 123456\n");
  EXPECT_EQ(raw.nodes, 3);
  EXPECT_THAT(raw.node_ids, ::testing::ElementsAre(7, 123456, 9000000000000));
  EXPECT_EQ(pairs_of(raw), (Pairs{{2, 0}, {0, 1}}));
}

TEST_F(EdgeList, EveryFaultNamesFileLineAndValue) {
  EXPECT_THAT(said("0 1\n1 x\n"), HasSubstr("e.txt:2: \"x\" is not a whole number"));
  EXPECT_THAT(said("# c\n0 1\n\n1 2.5\n"), HasSubstr("e.txt:4: \"2.5\" is not a whole number"));
  EXPECT_THAT(said("0 1\n1\n"), HasSubstr("e.txt:2: 1 columns, the first line has 2"));
  EXPECT_THAT(said("0 1\n1 2 3\n"), HasSubstr("e.txt:2: more columns than the 2 of the first line"));
  EXPECT_THAT(said("# c\n0 1\n1 -2\n"), HasSubstr("e.txt:3: id -2 is negative"));
  EXPECT_THAT(said("0 99999999999999999999\n"),
              HasSubstr("e.txt:1: \"99999999999999999999\" is out of range"));
  EXPECT_THAT(said("0\n1\n"), HasSubstr("e.txt:1: one column"));
  EXPECT_THAT(said(""), HasSubstr("e.txt"));
  EXPECT_THAT(said("# nothing\n"), HasSubstr("the file is empty"));
  EXPECT_THAT(said("source target\n"), HasSubstr("the file is empty"));
  EXPECT_THAT(refusal([&] { import_dataset(folder_.path() / "absent.txt", {}); }), HasSubstr("absent.txt"));
}

TEST_F(EdgeList, ManyShortLinesAfterAWideOneAskForNoMemory) {
  std::string text = "0 1";
  for (int i = 0; i < 1000; ++i) text += " 2";
  text += "\n";
  for (int i = 0; i < 1000; ++i) text += "3\n";
  EXPECT_THAT(said(text), HasSubstr("e.txt:2: 1 columns"));
}

TEST_F(EdgeList, ALargeFileIsReadTheSameByAnyNumberOfThreads) {
  // Larger than several pieces, with comments and blank lines at random.
  const PhiloxKey key = philox_key(5, Stream::generate);
  std::string text;
  Pairs want;
  for (std::int64_t i = 0; text.size() < (std::size_t{7} << 20); ++i) {
    const PhiloxWords words = draw_words(key, StoreId(i), 0, 0);
    if (words[2] % 50 == 0) text += "# 5 5\n\n";
    want.emplace_back(words[0] % 100'000, words[1] % 1000);
    text += std::to_string(want.back().first) + "," + std::to_string(want.back().second) + "\n";
  }
  for (const int threads : {1, 2, 3}) {
    const ThreadLimit limit(threads);
    EXPECT_EQ(pairs_of(read(text)), want);
  }
  const std::size_t middle = text.find('\n', text.size() / 2) + 1;
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(middle), '\n');
  text.insert(middle, "oops,1\n");
  text += "worse\n";
  EXPECT_THAT(said(text), HasSubstr("e.txt:" + std::to_string(line) + ": \"oops\""));
}

}  // namespace
}  // namespace kith
