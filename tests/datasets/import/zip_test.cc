#include "datasets/import/raw_files.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/datasets/import/inflate.h"
#include "kith/datasets/import/npz.h"

namespace kith {
namespace {

using test::refusal;
using test::ZipStyle;
using ::testing::HasSubstr;

const std::vector<std::pair<std::string, std::string>> kFiles = {
    {"a.npy", test::npy_bytes<std::int64_t>({1, 2, 3}, {3})},
    {"zeros.npy", test::npy_bytes<float>(std::vector<float>(10'000, 0.0F), {100, 100})},
    {"empty.npy", test::npy_bytes<float>({}, {0, 4})}};

class Zip : public ::testing::TestWithParam<ZipStyle> {
 protected:
  test::TemporaryFolder folder_;
  test::fs::path path_ = test::put(folder_.path() / "x.npz", test::zip_bytes(kFiles, GetParam()));
};

TEST_P(Zip, GivesBackEveryMember) {
  const ZipArchive zip(path_);
  ASSERT_EQ(zip.members().size(), kFiles.size());
  for (const auto& [name, content] : kFiles) {
    const ZipBytes read = zip.read(*zip.find(name));
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(read.bytes.data()), read.bytes.size()), content);
  }
  EXPECT_EQ(zip.find("b.npy"), nullptr);
}

TEST_P(Zip, AnyCutIsRefused) {
  const std::string whole = test::file_bytes(path_);
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    test::put(path_, whole.substr(0, size));
    EXPECT_NE(refusal([&] { ZipArchive zip(path_); }), "") << size;
  }
}

TEST_P(Zip, AFlippedBitOfTheDataIsFoundByItsCrc) {
  std::string bytes = test::file_bytes(path_);
  const std::size_t at = GetParam() == ZipStyle::deflated ? 40 : bytes.find("NUMPY") + 100;
  bytes[at] = static_cast<char>(bytes[at] ^ 4);
  test::put(path_, bytes);
  EXPECT_NE(refusal([&] { NpzFile(path_).array("a"); }), "");
}

INSTANTIATE_TEST_SUITE_P(Styles, Zip,
                         ::testing::Values(ZipStyle::stored, ZipStyle::deflated, ZipStyle::zip64));

TEST(Npz, NamesTheArraysItHoldsWhenOneIsMissing) {
  const test::TemporaryFolder folder;
  const auto path = test::put(folder.path() / "x.npz", test::zip_bytes(kFiles, ZipStyle::stored));
  EXPECT_THAT(refusal([&] { NpzFile(path).array("labels"); }),
              HasSubstr("no array \"labels\"; it holds a.npy zeros.npy"));
}

TEST(Zip, AMemberThatClaimsMoreThanDeflateCanHoldIsRefusedBeforeAllocation) {
  const test::TemporaryFolder folder;
  std::string bytes = test::zip_bytes({{"a.npy", "hello"}}, ZipStyle::deflated);
  const std::size_t entry = bytes.find("PK\x01\x02");
  for (int i = 0; i < 4; ++i) bytes[entry + 24 + static_cast<std::size_t>(i)] = i == 3 ? '\x7f' : '\xff';
  const auto path = test::put(folder.path() / "x.npz", bytes);
  EXPECT_THAT(refusal([&] { NpzFile(path).array("a"); }), HasSubstr("cannot come from"));
}

std::span<const std::byte> bytes_view(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(Gunzip, GivesBackOneOrSeveralMembersOfAnySize) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i) + "\n";
  for (const std::string& part : {std::string(), std::string("x"), text}) {
    const std::string packed = test::deflated(part, 31) + test::deflated("end", 31);
    const Array<std::byte> out = gunzipped(bytes_view(packed), "x.gz");
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(out.data()), out.size()), part + "end");
  }
}

TEST(Gunzip, RefusesCutsAndOtherFiles) {
  const std::string packed = test::deflated("hello, hello, hello", 31);
  for (std::size_t size = 0; size < packed.size(); ++size)
    EXPECT_NE(refusal([&] { gunzipped(bytes_view(packed.substr(0, size)), "x.gz"); }), "") << size;
  EXPECT_THAT(refusal([&] { gunzipped(bytes_view("1 2\n"), "x.gz"); }), HasSubstr("x.gz"));
}

}  // namespace
}  // namespace kith
