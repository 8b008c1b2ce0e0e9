#include "kith/datasets/import/pickle.h"

#include "datasets/import/raw_files.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kith {
namespace {

using test::refusal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::string_literals;

class Pickle : public ::testing::Test {
 protected:
  MappedFile file(const std::string& bytes) { return MappedFile(test::put(folder_.path() / "p", bytes)); }
  test::TemporaryFolder folder_;
};

// The pickles are spelled out opcode by opcode, as CPython's pickletools lists them.
const std::string kHead = "\x80\x02"s;
const std::string kReconstruct =
    "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01"s + "b\x87R"s;

std::string dtype(const std::string& name, const std::string& order = "<") {
  return "cnumpy\ndtype\nU\x02"s + name + "K\x00K\x01\x87R(K\x03U\x01"s + order +
         "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"s;
}
std::string array_of_three(const std::string& type, const std::string& elements, char length = 3) {
  return kReconstruct + "(K\x01K"s + length + "\x85"s + type + "\x89U"s + static_cast<char>(elements.size()) +
         elements + "tb"s;
}
const std::string kBytes = "\x05\0\0\0\x06\0\0\0\xff\xff\xff\xff"s;
const std::string kGraph = "ccollections\ndefaultdict\nc__builtin__\nlist\n\x85R"s;

TEST_F(Pickle, ReadsAnArray) {
  const MappedFile mapped = file(kHead + array_of_three(dtype("i4"), kBytes) + ".");
  const NpyView view = read_pickled_array(mapped);
  EXPECT_THAT(view.header.shape, ElementsAre(3));
  EXPECT_THAT(view.copied<std::int64_t>(), ElementsAre(5, 6, -1));
}

TEST_F(Pickle, ReadsAGraphWithSharedAndEmptyLists) {
  // {0: [1, 2], 1: [], 2: [the same list as 0's]}
  const MappedFile mapped = file(kHead + kGraph + "(K\x00]q\x01(K\x01K\x02"s + "eK\x01]K\x02h\x01u."s);
  const PickledGraph graph = read_pickled_graph(mapped);
  EXPECT_EQ(graph.keys, 3);
  EXPECT_EQ(graph.largest_id, 2);
  EXPECT_THAT(graph.source, ElementsAre(0, 0, 2, 2));
  EXPECT_THAT(graph.destination, ElementsAre(1, 2, 1, 2));
}

TEST_F(Pickle, NoOtherGlobalIsReadAndItIsNamed) {
  for (const std::string global :
       {"os\nsystem", "posix\nsystem", "__builtin__\neval", "numpy\nload", "numpy.core.multiarray\nscalar"}) {
    const MappedFile mapped = file(kHead + "c"s + global + "\nU\x04" + "true\x85R."s);
    std::string spaced = global;
    spaced[spaced.find('\n')] = ' ';
    EXPECT_THAT(refusal([&] { read_pickled_array(mapped); }),
                ::testing::AllOf(HasSubstr(spaced), HasSubstr("byte 2"), HasSubstr("refused")));
  }
}

TEST_F(Pickle, NoOtherOpcodeIsReadAndItIsNamed) {
  const std::pair<char, const char*> opcodes[] = {
      {'i', "INST"},       {'o', "OBJ"},     {'P', "PERSID"},   {'\x93', "STACK_GLOBAL"}, {'\x82', "EXT1"},
      {'X', "BINUNICODE"}, {'V', "UNICODE"}, {'\x8a', "LONG1"}, {'\x07', "0x07"}};
  for (const auto& [opcode, name] : opcodes) {
    const MappedFile mapped = file(kHead + opcode + "\x01\x01."s);
    EXPECT_THAT(refusal([&] { read_pickled_array(mapped); }), HasSubstr("opcode "s + name + " is refused"));
  }
}

TEST_F(Pickle, ACallOfAKnownGlobalInAnotherWayIsRefused) {
  for (const std::string& call :
       {"cnumpy\nndarray\n)R."s, "c__builtin__\nlist\n)R."s, "cnumpy\ndtype\n)\x81."s,
        "ccollections\ndefaultdict\ncnumpy\ndtype\n\x85R."s})
    EXPECT_NE(refusal([&] { read_pickled_array(file(kHead + call)); }), "");
}

TEST_F(Pickle, AbsurdArraysAreRefused) {
  auto said = [&](const std::string& body) {
    return refusal([&] { read_pickled_array(file(kHead + body + ".")); });
  };
  EXPECT_THAT(said(array_of_three(dtype("i4"), kBytes, 4)), HasSubstr("needs 16 bytes, 12 are there"));
  EXPECT_THAT(said(array_of_three(dtype("O8"), kBytes)), HasSubstr("\"O8\" is refused"));
  EXPECT_THAT(said(array_of_three(dtype("i4", ">"), kBytes)), HasSubstr("byte order \">\""));
  EXPECT_THAT(said(kGraph), HasSubstr("a defaultdict(list) stands where a ndarray belongs"));
  EXPECT_THAT(said("K\x01"s), HasSubstr("a int stands where a ndarray belongs"));
  EXPECT_NE(said(kReconstruct), "");
}

TEST_F(Pickle, ABrokenMachineIsRefused) {
  auto said = [&](const std::string& body) {
    return refusal([&] { read_pickled_graph(file(kHead + body)); });
  };
  EXPECT_THAT(said("h\x09."s), HasSubstr("memo 9 was never set"));
  EXPECT_THAT(said("r\xff\xff\xff\x7f."s), HasSubstr("memo"));
  EXPECT_THAT(said("t."s), HasSubstr("there is no mark"));
  EXPECT_THAT(said("\x85."s), HasSubstr("the stack is empty"));
  EXPECT_THAT(said(kGraph), HasSubstr("cut off"));
  EXPECT_THAT(said(kGraph + "."s + "x"s), HasSubstr("behind the object"));
  EXPECT_THAT(said(kGraph + "(K\x00u."s), HasSubstr("has no value"));
  EXPECT_THAT(said(kGraph + "(K\x00]J\xff\xff\xff\xff"s + "au."s), HasSubstr("negative"));
  EXPECT_THAT(refusal([&] { read_pickled_graph(file("hello")); }), HasSubstr("no pickle of protocol 2"));
  EXPECT_NE(refusal([&] { read_pickled_graph(file("")); }), "");
}

}  // namespace
}  // namespace kith
