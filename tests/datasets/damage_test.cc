// Damage of every kind to every file of a store and of a partitioned store.
#include <fstream>
#include <sstream>

#include "datasets/partitioned_data.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/datasets/sound.h"

namespace kith {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string contents_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return (std::ostringstream() << file.rdbuf()).str();
}

void overwrite(const fs::path& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
}

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string verdict_of_verify(const fs::path& folder) {
  return test::message_of<CorruptError>([&] { verify_folder(folder); });
}
std::string verdict_of_open(const fs::path& folder) {
  return test::message_of<CorruptError>([&] { open_data(folder); });
}

const test::StoreDataOptions kSmall{
    .nodes = 6, .edges = 9, .dtype = DType::i8, .weights = true, .ids = test::StoreDataOptions::Ids::names};

class Damage : public ::testing::TestWithParam<const char*> {
 protected:
  test::PartitionedData made_{kSmall, 2};
  fs::path folder_ = made_.folder / GetParam();
  /// A store is small enough for every byte; a partitioned store has twice the files.
  std::size_t stride_ = std::string(GetParam()) == "store" ? 1 : 7;
};

TEST_P(Damage, EveryFlippedByteIsFoundByVerifyWhichNamesTheFile) {
  const auto files = files_below(folder_);
  EXPECT_EQ(verify_folder(folder_), static_cast<int>(files.size()));
  for (const fs::path& file : files) {
    const std::string whole = contents_of(file);
    for (std::size_t at = 0; at < whole.size(); at += stride_) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
      overwrite(file, flipped);
      EXPECT_THAT(verdict_of_verify(folder_), HasSubstr(file.string())) << "byte " << at;
    }
    overwrite(file, whole);
  }
  EXPECT_EQ(verdict_of_verify(folder_), "");
}

TEST_P(Damage, EveryTruncationIsRefusedAtOpeningWhichNamesTheFile) {
  for (const fs::path& file : files_below(folder_)) {
    const std::string whole = contents_of(file);
    for (std::size_t length = 0; length < whole.size(); length += 1 + whole.size() / 25) {
      overwrite(file, whole.substr(0, length));
      EXPECT_THAT(verdict_of_open(folder_), HasSubstr(file.string())) << length << " bytes";
    }
    overwrite(file, whole + "\n");
    EXPECT_THAT(verdict_of_open(folder_), HasSubstr(file.string())) << "one byte more";
    overwrite(file, whole);
  }
  EXPECT_EQ(verdict_of_open(folder_), "");
}

TEST_P(Damage, AMissingArrayIsNamed) {
  for (const fs::path& file : files_below(folder_)) {
    if (file.extension() != ".npy") continue;
    const std::string whole = contents_of(file);
    fs::remove(file);
    EXPECT_THAT(verdict_of_open(folder_), HasSubstr(file.string()));
    EXPECT_THAT(verdict_of_verify(folder_), HasSubstr(file.string()));
    overwrite(file, whole);
  }
}

TEST_P(Damage, FlippedHeadersAreRefusedOrHarmlessAtOpening) {
  for (const fs::path& file : files_below(folder_)) {
    if (file.extension() != ".npy") continue;
    const std::string whole = contents_of(file);
    for (std::size_t at = 0; at < 128; at += stride_) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
      overwrite(file, flipped);
      // Anything but CorruptError (or success, for a space that became another one) would escape and fail.
      verdict_of_open(folder_);
    }
    overwrite(file, whole);
  }
}

INSTANTIATE_TEST_SUITE_P(Folders, Damage, ::testing::Values("store", "parts"),
                         [](const auto& value) { return std::string(value.param); });

TEST(Verify, RefusesWhatIsNoFolderOfOurs) {
  const testing::TemporaryFolder folder;
  EXPECT_THROW(verify_folder(folder.path()), InputError);
  EXPECT_THROW(open_data(folder / "nothing"), InputError);
  EXPECT_EQ(folder_kind(folder.path()), FolderKind::none);
  overwrite(folder / "summary.json", "{}");
  EXPECT_EQ(folder_kind(folder.path()), FolderKind::run);
}

TEST(Soundness, EveryPlaceOutOfBoundsIsNamedBeforeTheGraphIsWalked) {
  const test::PartitionedData made{kSmall, 2};
  const fs::path folder = made.folder / "store";
  const std::string entry = "entry ";
  for (const char* name : {"indptr.npy", "indices.npy", "labels.npy", "train.npy"}) {
    const std::string whole = contents_of(folder / name);
    for (const int byte : {1, 4}) {
      std::string damaged = whole;
      damaged[damaged.size() - static_cast<std::size_t>(byte)] = '\x7f';  // beyond every bound
      overwrite(folder / name, damaged);
      // The end of indptr is looked at when the store is opened.
      EXPECT_THAT(test::message_of<CorruptError>([&] { expect_sound(Store::open(folder)); }),
                  ::testing::AllOf(HasSubstr((folder / name).string()),
                                   ::testing::AnyOf(HasSubstr(entry), HasSubstr("runs from"))));
    }
    overwrite(folder / name, whole);
  }
  expect_sound(Store::open(folder));
}

}  // namespace
}  // namespace kith
