#include <fstream>
#include <string>

#include "partition/graphs.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "kith/core/error.h"
#include "kith/partition/partitioners.h"

namespace kith {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

class AssignmentFile : public testing::Test {
 protected:
  AssignmentFile() : path_(fs::path(testing::TempDir()) / ("kith-parts-" + std::to_string(getpid()))) {}
  ~AssignmentFile() override { fs::remove(path_); }

  Partitioning read(const std::string& content, std::int64_t nodes, int k) {
    std::ofstream(path_, std::ios::binary) << content;
    return read_assignment(path_, nodes, k);
  }
  std::string refusal(const std::string& content, std::int64_t nodes, int k) {
    try {
      read(content, nodes, k);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  }
  fs::path path_;
};

template <class Number>
std::string npy(const std::string& descr, const std::string& shape, const std::vector<Number>& numbers) {
  std::string header = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
  header.resize(118 - 1, ' ');
  header += '\n';
  std::string content = std::string("\x93NUMPY\x01\x00", 8) + char(118) + char(0) + header;
  content.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number));
  return content;
}

TEST_F(AssignmentFile, ReadsOneNumberPerLine) {
  EXPECT_THAT(parts_of(read("0\n2\n1\n", 3, 3)), ElementsAre(Part(0), Part(2), Part(1)));
  EXPECT_THAT(parts_of(read(" 0 \r\n2\t\r\n1", 3, 3)), ElementsAre(Part(0), Part(2), Part(1)));
  EXPECT_EQ(read("", 0, 2).assignment.ssize(), 0);
}

TEST_F(AssignmentFile, NamesTheLineOfABadNumber) {
  EXPECT_THAT(refusal("0\n3\n", 2, 3), HasSubstr(path_.string() + ":2: part 3 is outside [0, 3)"));
  EXPECT_THAT(refusal("-1\n0\n", 2, 3), HasSubstr(":1: part -1"));
  EXPECT_THAT(refusal("0\none\n", 2, 3), HasSubstr(":2: \"one\""));
  EXPECT_THAT(refusal("0\n1.5\n", 2, 3), HasSubstr(":2: \"1.5\""));
  EXPECT_THAT(refusal("0\n\n1\n", 3, 3), HasSubstr(":2: \"\""));
  EXPECT_THAT(refusal("99999999999999999999\n", 1, 3), HasSubstr(":1:"));
}

TEST_F(AssignmentFile, NamesTheCountsWhenTheyDiffer) {
  EXPECT_THAT(refusal("0\n1\n", 3, 2), HasSubstr("holds 2 part numbers, the graph has 3"));
  EXPECT_THAT(refusal("0\n1\n1\n1\n", 3, 2), HasSubstr("holds 4 part numbers, the graph has 3"));
  EXPECT_THAT(refusal("", 3, 2), HasSubstr("holds 0"));
}

TEST_F(AssignmentFile, ReadsBothIntegerWidthsOfNpy) {
  EXPECT_THAT(parts_of(read(npy<std::int32_t>("<i4", "(3,)", {0, 2, 1}), 3, 3)),
              ElementsAre(Part(0), Part(2), Part(1)));
  EXPECT_THAT(parts_of(read(npy<std::int64_t>("<i8", "(3,)", {0, 2, 1}), 3, 3)),
              ElementsAre(Part(0), Part(2), Part(1)));
}

TEST_F(AssignmentFile, RefusesANpyThatIsNoAssignment) {
  EXPECT_THAT(refusal(npy<std::int64_t>("<i8", "(3,)", {0, 5'000'000'000, 1}), 3, 3),
              HasSubstr("row 1: part 5000000000"));
  EXPECT_THAT(refusal(npy<float>("<f4", "(1,)", {0}), 1, 3), HasSubstr("int32 or int64"));
  EXPECT_THAT(refusal(npy<std::int32_t>("<i4", "(1, 2)", {0, 1}), 2, 3), HasSubstr("one dimension"));
  EXPECT_THAT(refusal(npy<std::int32_t>("<i4", "(9000000000000000000,)", {0}), 1, 3), HasSubstr("disagree"));
  EXPECT_THAT(refusal(npy<std::int32_t>("<i4", "(2,)", {0, 1}).substr(0, 130), 2, 3), HasSubstr("disagree"));
  EXPECT_THAT(refusal(npy<std::int32_t>("<i4", "(2,)", {0, 1}).substr(0, 60), 2, 3), HasSubstr("cut off"));
  EXPECT_THAT(refusal("\x93NUMPY", 2, 3), HasSubstr("cut off"));
  EXPECT_THAT(refusal(npy<std::int32_t>("<i4", "(2,)", {0, 1}), 3, 3), HasSubstr("holds 2"));
}

TEST_F(AssignmentFile, NamesAFileThatIsNotThere) {
  EXPECT_THROW(read_assignment("/nowhere/parts.txt", 2, 2), InputError);
  EXPECT_THROW(read_assignment(testing::TempDir(), 2, 2), InputError);
}

}  // namespace
}  // namespace kith
