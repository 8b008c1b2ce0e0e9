#include "kith/datasets/text/edge_text.h"

#include <charconv>
#include <map>

#include "datasets/import/raw_files.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/datasets/store.h"
#include "kith/datasets/text/digits.h"

namespace kith {
namespace {

using test::refusal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Names = std::vector<std::pair<std::string, std::string>>;

std::string name_of(const EdgeText& text, std::int64_t node) {
  if (!text.ids.names.empty()) return std::string(text.ids.names[node]);
  return std::to_string(text.ids.node_ids.empty() ? node : text.ids.node_ids[node]);
}

/// The edges in the user's ids.
Names edges_of(const EdgeText& text) {
  Names out;
  std::visit(
      [&](const auto& columns) {
        for (std::int64_t e = 0; e < columns.source.ssize(); ++e)
          out.emplace_back(name_of(text, columns.source[e]), name_of(text, columns.destination[e]));
      },
      text.edges);
  return out;
}

std::vector<std::string> names_of(const EdgeText& text) {
  std::vector<std::string> names;
  for (std::int64_t node = 0; node < text.ids.nodes; ++node) names.push_back(name_of(text, node));
  return names;
}

std::string zstd_bytes(const std::string& bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

class EdgeTextFiles : public ::testing::Test {
 protected:
  EdgeText read(const std::string& text, const EdgeTextOptions& options = {},
                const std::string& name = "e.txt") {
    return read_edge_text({test::put(folder_.path() / name, text)}, options);
  }
  std::string said(const std::string& text, const EdgeTextOptions& options = {}) {
    return refusal([&] { read(text, options); });
  }
  test::TemporaryFolder folder_;
};

const Names kTriangle = {{"ann", "bob"}, {"bob", "cy d"}, {"cy d", "ann"}};

TEST_F(EdgeTextFiles, TextsAreIdsWhateverSeparatesThem) {
  for (const std::string text :
       {"ann,bob\nbob,cy d\ncy d,ann\n", "ann;bob\nbob;cy d\ncy d;ann", "ann|bob\r\nbob|cy d\r\ncy d|ann\r\n",
        "ann\tbob\nbob\tcy d\ncy d\tann\n", "\xef\xbb\xbfsource,target\nann,bob\nbob,cy d\ncy d,ann\n",
        "# a\n\nann , bob\n% b\nbob ,\"cy d\"\n\"cy d\",ann\n\n"})
    EXPECT_EQ(edges_of(read(text)), kTriangle) << text;
  EXPECT_EQ(edges_of(read("a  b\n b\tc\nc a  \n")), (Names{{"a", "b"}, {"b", "c"}, {"c", "a"}}));
  EXPECT_EQ(edges_of(read("\"x,y\",z\n")), (Names{{"x,y", "z"}}));
}

TEST_F(EdgeTextFiles, TextsAreNumberedByFirstAppearanceAndNumbersByValue) {
  EXPECT_THAT(names_of(read("z,b\na,z\nb,c\n")), ElementsAre("z", "b", "a", "c"));
  EXPECT_THAT(names_of(read("900000 7\n7 123456789\n")), ElementsAre("7", "900000", "123456789"));
  const EdgeText mapped = read("5 -3\n2 5\n", {.ids = IdPolicy::map});
  EXPECT_THAT(names_of(mapped), ElementsAre("-3", "2", "5"));
  EXPECT_EQ(edges_of(mapped), (Names{{"5", "-3"}, {"2", "5"}}));
}

TEST_F(EdgeTextFiles, MappingTakesTextsAmongNumbersAndNumbersBeyond64Bits) {
  EXPECT_THAT(names_of(read("1 2\n2 x\n", {.ids = IdPolicy::map})), ElementsAre("1", "2", "x"));
  EXPECT_THAT(names_of(read("1 99999999999999999999\n", {.ids = IdPolicy::map})),
              ElementsAre("1", "99999999999999999999"));
  EXPECT_THAT(names_of(read("9223372036854775807 -9223372036854775808\n", {.ids = IdPolicy::map})),
              ElementsAre("-9223372036854775808", "9223372036854775807"));
}

TEST_F(EdgeTextFiles, DenseNumbersStayWhateverIsMissing) {
  const EdgeText text = read("0 100000\n", {.ids = IdPolicy::dense});
  EXPECT_EQ(text.ids.nodes, 100001);
  EXPECT_TRUE(text.ids.node_ids.empty());
}

TEST_F(EdgeTextFiles, ColumnsAreChosenByNameOrNumber) {
  const std::string text = "time,to,from,amount\n1,b,a,0.5\n2,c,b,-2e3\n";
  const EdgeText named =
      read(text, {.source_column = "from", .destination_column = "to", .weight_column = "amount"});
  EXPECT_EQ(edges_of(named), (Names{{"a", "b"}, {"b", "c"}}));
  EXPECT_THAT(named.weights, ElementsAre(0.5f, -2000.f));
  const EdgeText numbered =
      read(text, {.source_column = "3", .destination_column = "2", .weight_column = "4"});
  EXPECT_EQ(edges_of(numbered), edges_of(named));
  EXPECT_THAT(numbered.weights, ElementsAre(0.5f, -2000.f));
  EXPECT_EQ(edges_of(read("1 0\n", {.source_column = "2", .destination_column = "1"})), (Names{{"0", "1"}}));
  EXPECT_THAT(said(text, {.source_column = "nobody"}),
              HasSubstr("no such column; it has time, to, from, amount"));
  EXPECT_THAT(said("0 1\n", {.weight_column = "3"}), HasSubstr("outside [1, 2]"));
  EXPECT_THAT(said("a,a,b\n1,2,3\n", {.source_column = "a"}), HasSubstr("the header names it twice"));
  EXPECT_THAT(said("0 1\n", {.weight_column = "1"}), HasSubstr("different columns"));
}

TEST_F(EdgeTextFiles, WeightsMustBeFiniteNumbers) {
  const EdgeTextOptions weighted{.weight_column = "3"};
  EXPECT_THAT(said("0 1 1\n1 2 x\n", weighted), HasSubstr("e.txt:2: weight \"x\" is not a number"));
  EXPECT_THAT(said("0 1 1\n1 2 nan\n", weighted), HasSubstr("e.txt:2: weight \"nan\" is not finite"));
  EXPECT_THAT(said("0 1 1\n1 2 1e99\n", weighted),
              HasSubstr("e.txt:2: weight \"1e99\" is not finite in fp32"));
}

TEST_F(EdgeTextFiles, ManyFilesAreReadInNaturalOrderPackedOrNot) {
  test::put(folder_.path() / "edges-10.csv", "src,dst\nc,d\n");
  test::put(folder_.path() / "edges-2.csv.gz", test::deflated("src,dst\nb,c\n", 31));
  test::put(folder_.path() / "edges-1.csv.zst", zstd_bytes("src,dst\na,b"));
  test::put(folder_.path() / "edges-3.csv", "");
  const auto files = files_named(folder_.path() / "edges-*.csv*");
  ASSERT_EQ(files.size(), 4u);
  const EdgeText text = read_edge_text(files, {});
  EXPECT_EQ(edges_of(text), (Names{{"a", "b"}, {"b", "c"}, {"c", "d"}}));
  EXPECT_THAT(refusal([&] { files_named(folder_.path() / "none-*.csv"); }), HasSubstr("no file matches"));
  test::put(folder_.path() / "edges-11.csv", "src,dst,w\nc,d,1\n");
  EXPECT_THAT(refusal([&] { read_edge_text(files_named(folder_.path() / "edges-*.csv*"), {}); }),
              HasSubstr("edges-11.csv:1: 3 columns"));
}

TEST_F(EdgeTextFiles, NaturalOrderComparesRunsOfDigitsAsNumbers) {
  EXPECT_TRUE(natural_less("e-2", "e-10"));
  EXPECT_FALSE(natural_less("e-10", "e-2"));
  EXPECT_TRUE(natural_less("e-2-9", "e-2-10"));
  EXPECT_TRUE(natural_less("e-01", "e-1"));
  EXPECT_TRUE(natural_less("e-1", "e-1b"));
  EXPECT_FALSE(natural_less("e-1", "e-1"));
}

TEST_F(EdgeTextFiles, SeveralBadLinesAreToldInOrder) {
  const std::string text = "0 1\nx 1\n2 3\n4\n5 6\n7 -8\n";
  const std::string all = said(text, {.max_errors = 10});
  EXPECT_THAT(all, HasSubstr("e.txt:2: \"x\" is not a whole number\n"));
  EXPECT_THAT(all, HasSubstr("e.txt:4: 1 columns, the first line has 2\n"));
  EXPECT_THAT(all, HasSubstr("e.txt:6: id -8 is negative"));
  const std::string two = said(text, {.max_errors = 2});
  EXPECT_THAT(two, HasSubstr("e.txt:4"));
  EXPECT_THAT(two, ::testing::Not(HasSubstr("e.txt:6")));
  EXPECT_THAT(two, HasSubstr("3 bad lines in all"));
}

TEST_F(EdgeTextFiles, BadLinesAreSkippedOnlyWhenAskedForAndCounted) {
  const EdgeText text = read("0 1\nx 1\n2 3\n4\n", {.skip_bad_lines = true});
  EXPECT_EQ(edges_of(text), (Names{{"0", "1"}, {"2", "3"}}));
  EXPECT_EQ(text.counts.bad_lines, 2);
  EXPECT_THAT(text.notes, ::testing::Contains(HasSubstr("2 bad lines were left out; the first: ")));
  EXPECT_THAT(said("0 1\n,\n"), HasSubstr("e.txt:2"));
}

TEST_F(EdgeTextFiles, EmptyFieldsAreNoIds) {
  EXPECT_THAT(said("a,b\n,b\n"), HasSubstr("e.txt:2: an id is missing"));
  EXPECT_THAT(said("1,2\n1,\n"), HasSubstr("e.txt:2: an id is missing"));
  EXPECT_THAT(said("1,2\n1,,2\n"), HasSubstr("e.txt:2: more columns"));
}

TEST_F(EdgeTextFiles, BinaryFilesAndEndlessLinesAreRefused) {
  EXPECT_THAT(said(std::string("0 1\n\0\n", 6)), HasSubstr("this is no text"));
  EXPECT_THAT(said("0 1\n1 2\n" + std::string(std::size_t{40} << 20, '7')), HasSubstr("longer than 16 MiB"));
}

TEST_F(EdgeTextFiles, DamagedPackedFilesAreRefused) {
  const std::string zipped = zstd_bytes("0 1\n1 2\n2 3\n"), packed = test::deflated("0 1\n1 2\n2 3\n", 31);
  EXPECT_THAT(refusal([&] { read(zipped.substr(0, zipped.size() - 3), {}, "e.csv.zst"); }),
              HasSubstr("the compressed data are cut off"));
  EXPECT_THAT(refusal([&] { read(packed.substr(0, packed.size() - 3), {}, "e.csv.gz"); }),
              HasSubstr("the compressed data are cut off"));
  EXPECT_THAT(refusal([&] { read("0 1\n", {}, "e.csv.zst"); }), HasSubstr("of the compressed data: "));
}

/// Random ids through files of many chunks, read by a loop over lines and a map.
TEST_F(EdgeTextFiles, LargeFilesOfTextsEqualALineByLineReading) {
  const PhiloxKey key = philox_key(9, Stream::generate);
  std::string text;
  Names want;
  for (std::int64_t i = 0; text.size() < (std::size_t{9} << 20); ++i) {
    const PhiloxWords words = draw_words(key, StoreId(i), 0, 0);
    const std::string from = "n" + std::to_string(words[0] % 50'000),
                      to = std::string(words[1] % 40 + 1, 'x') + std::to_string(words[2] % 3000);
    if (words[3] % 97 == 0) text += "# comment\r\n\n";
    text += from + (words[3] % 5 == 0 ? " ," : ",") + to + (words[3] % 3 == 0 ? "\r\n" : "\n");
    want.emplace_back(from, to);
  }
  std::vector<std::string> order;
  std::map<std::string, int> seen;
  for (const auto& [from, to] : want)
    for (const std::string& name : {from, to})
      if (seen.emplace(name, 0).second) order.push_back(name);
  for (const int threads : {1, 2, 3}) {
    const ThreadLimit limit(threads);
    for (const bool packed : {false, true}) {
      const EdgeText read_text = packed ? read(zstd_bytes(text), {}, "e.csv.zst") : read(text, {}, "e.csv");
      EXPECT_EQ(edges_of(read_text), want);
      EXPECT_EQ(names_of(read_text), order);
    }
  }
}

TEST_F(EdgeTextFiles, LargeFilesOfScatteredNumbersEqualALineByLineReading) {
  const PhiloxKey key = philox_key(10, Stream::generate);
  std::string text;
  Names want;
  for (std::int64_t i = 0; text.size() < (std::size_t{9} << 20); ++i) {
    const PhiloxWords words = draw_words(key, StoreId(i), 0, 0);
    // Of every length, and past 32 bits.
    const std::uint64_t from = word64(words, 0) % 1000 * 7919 >> (words[2] % 20),
                        to = (word64(words, 1) >> 1) / 1'000'003 * 1'000'003;
    text += std::to_string(from) + " " + std::to_string(to) + "\n";
    want.emplace_back(std::to_string(from), std::to_string(to));
  }
  for (const int threads : {1, 3}) {
    const ThreadLimit limit(threads);
    const EdgeText read_text = read(text);
    EXPECT_EQ(edges_of(read_text), want);
    EXPECT_TRUE(std::is_sorted(read_text.ids.node_ids.begin(), read_text.ids.node_ids.end()));
  }
}

/// 3 GB of which all but the end is a hole.
TEST_F(EdgeTextFiles, OffsetsPastTwoToThe31AreRead) {
  const auto path = folder_.path() / "sparse.txt";
  constexpr std::int64_t kBegin = 3'000'000'000;
  std::ofstream file(path, std::ios::binary);
  file.seekp(kBegin);
  file << "4294967296 9\n9 7\nbad 3\n";
  file.close();
  const EdgeTextOptions options;
  const EdgeFormat format{.columns = 2};
  TextSource source({{path, kBegin}}, {});
  BadLines bad(options, source.files());
  std::int64_t edges = 0, largest = 0;
  source.for_each([&](std::int64_t, const TextChunk& chunk) {
    if (chunk.text.empty()) return;
    EXPECT_GE(chunk.offset, kBegin);
    const NumberChunk numbers = parse_numbers(chunk, format, Negative::refuse, bad);
    edges += numbers.edges;
    largest = std::max(largest, numbers.largest);
  });
  EXPECT_EQ(edges, 2);
  EXPECT_EQ(largest, 4294967296);
  EXPECT_EQ(bad.count(), 1);
  EXPECT_THAT(refusal([&] { bad.check(); }), HasSubstr("sparse.txt:3: \"bad\" is not a whole number"));
}

TEST(Digits, AreReadAsByTheStandardLibrary) {
  const PhiloxKey key = philox_key(3, Stream::generate);
  for (std::int64_t i = 0; i < 20'000; ++i) {
    const PhiloxWords words = draw_words(key, StoreId(i), 0, 0);
    std::string digits = std::to_string(word64(words, 0) >> (words[2] % 64));
    if (digits.size() > 18) digits.resize(18);
    const std::string text = digits + "x:/0123456789";
    std::uint64_t number = 0;
    const char* at = text.data();
    EXPECT_EQ(detail::read_digits(at, number), static_cast<int>(digits.size()));
    EXPECT_EQ(at, text.data() + digits.size());
    EXPECT_EQ(std::to_string(number), std::to_string(std::stoull(digits))) << digits;
  }
}

TEST_F(EdgeTextFiles, TheUsersIdsAreInTheStore) {
  const auto file = test::put(folder_.path() / "e.csv", "ann,bob\nbob,cy\n");
  prepare(file, folder_.path() / "store", {});
  const Store store = Store::open(folder_.path() / "store", Verify::checksums);
  EXPECT_EQ(store.user_id(StoreId(0)), "ann");
  EXPECT_EQ(store.user_id(StoreId(2)), "cy");
  EXPECT_THAT(std::vector<std::int64_t>(store.graph().indptr.begin(), store.graph().indptr.end()),
              ElementsAre(0, 0, 1, 2));
}

TEST_F(EdgeTextFiles, AColumnNamedByAHeaderOfAnotherLengthIsRefused) {
  // Found by fuzzing: the header has a third column, the lines have not.
  const auto file = test::put(folder_.path() / "h.tsv", "\ta\tb\n1\t5\n");
  EdgeTextOptions options;
  options.destination_column = "b";
  EXPECT_THAT(refusal([&] { read_edge_text({file}, options); }),
              HasSubstr("h.tsv:2: --destination-column b: 2 columns, but the header has 3"));
}

TEST_F(EdgeTextFiles, AWeightTooSmallIsZeroAndOneTooLargeIsRefused) {
  EdgeTextOptions options;
  options.weight_column = "3";
  const auto small = test::put(folder_.path() / "small.csv", "0,1,1e-999\n1,0,1e-46\n");
  EXPECT_THAT(read_edge_text({small}, options).weights, ElementsAre(0, 0));
  const auto large = test::put(folder_.path() / "large.csv", "0,1,1\n1,0,1e999\n");
  EXPECT_THAT(refusal([&] { read_edge_text({large}, options); }),
              HasSubstr("large.csv:2: weight \"1e999\" is not finite in fp32"));
}

TEST_F(EdgeTextFiles, AZeroByteIsToldByItsLine) {
  const auto file = test::put(folder_.path() / "z.txt", std::string("0 1\n1 \0\n", 8));
  EXPECT_THAT(refusal([&] { read_edge_text({file}, {}); }), HasSubstr("z.txt:2: a zero byte"));
}

}  // namespace
}  // namespace kith
