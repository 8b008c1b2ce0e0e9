#include "kith/core/file.h"

#include <fstream>

#include "core/temporary_folder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/core/host.h"
#include "kith/core/mapped_file.h"

namespace kith {
namespace {

namespace fs = std::filesystem;
using kith::testing::TemporaryFolder;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(AtomicFile, AppearsWithItsContentOnlyWhenCommitted) {
  const TemporaryFolder folder;
  AtomicFile file(folder / "data");
  file.write("hello ");
  file.write("world");
  file.write_at(0, bytes_of(std::string("J")));
  EXPECT_FALSE(fs::exists(folder / "data"));
  file.commit();
  EXPECT_EQ(read_text_file(folder / "data"), "Jello world");
  EXPECT_EQ(folder.entries(), 1);
}

TEST(AtomicFile, LeavesNothingBehindAndTheOldOneAloneWithoutCommit) {
  const TemporaryFolder folder;
  write_text_file(folder / "data", "old");
  {
    AtomicFile file(folder / "data");
    file.write("new");
    const AtomicFile moved(std::move(file));
  }
  EXPECT_EQ(read_text_file(folder / "data"), "old");
  EXPECT_EQ(folder.entries(), 1);
}

TEST(AtomicFile, ReplacesAnOldFile) {
  const TemporaryFolder folder;
  write_text_file(folder / "data", "a long old text");
  write_text_file(folder / "data", "new");
  EXPECT_EQ(read_text_file(folder / "data"), "new");
}

TEST(AtomicFile, AnAbsentFolderIsNamed) {
  EXPECT_THAT([] { AtomicFile("/nonexistent/folder/data"); },
              ThrowsMessage<InputError>(HasSubstr("/nonexistent/folder/data")));
}

TEST(AtomicFile, ANameTakenByAFolderFailsAndLeavesNothingBehind) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "taken" / "inside");
  EXPECT_THROW(write_text_file(folder / "taken", "text"), InputError);
  EXPECT_EQ(folder.entries(), 1);
}

TEST(AtomicFolder, AppearsWholeWhenCommitted) {
  const TemporaryFolder folder;
  AtomicFolder made((folder / "new" / "store").string() + "/");
  write_text_file(made.path() / "a", "1");
  fs::create_directory(made.path() / "part");
  write_text_file(made.path() / "part" / "b", "2");
  EXPECT_FALSE(fs::exists(folder / "new" / "store"));
  made.commit();
  EXPECT_EQ(read_text_file(folder / "new" / "store" / "a"), "1");
  EXPECT_EQ(read_text_file(folder / "new" / "store" / "part" / "b"), "2");
  EXPECT_FALSE(fs::exists(made.path()));
}

TEST(AtomicFolder, LeavesNothingBehindWithoutCommit) {
  const TemporaryFolder folder;
  try {
    const AtomicFolder made(folder / "store");
    write_text_file(made.path() / "half", "1");
    throw InputError("the rest is bad");
  } catch (const InputError&) {
  }
  EXPECT_EQ(folder.entries(), 0);
}

TEST(AtomicFolder, AnExistingNameIsRefusedBeforeAnyWork) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "store");
  EXPECT_THAT([&] { AtomicFolder(folder / "store"); }, ThrowsMessage<InputError>(HasSubstr("--overwrite")));
  EXPECT_EQ(folder.entries(), 1);
}

TEST(AtomicFolder, ReplacesAnOldOneOnlyAtCommit) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "store");
  write_text_file(folder / "store" / "old", "1");
  AtomicFolder made(folder / "store", Existing::replace);
  write_text_file(made.path() / "new", "2");
  EXPECT_TRUE(fs::exists(folder / "store" / "old"));
  made.commit();
  EXPECT_FALSE(fs::exists(folder / "store" / "old"));
  EXPECT_EQ(read_text_file(folder / "store" / "new"), "2");
  EXPECT_EQ(folder.entries(), 1);
}

TEST(ReadTextFile, ATooLargeFileIsRefused) {
  const TemporaryFolder folder;
  write_text_file(folder / "text", std::string(1000, 'x'));
  EXPECT_EQ(read_text_file(folder / "text", 1000).size(), 1000u);
  EXPECT_THROW(read_text_file(folder / "text", 999), InputError);
  EXPECT_THROW(read_text_file(folder / "absent"), InputError);
  EXPECT_THROW(read_text_file(folder.path()), InputError);
}

TEST(MappedFile, ShowsTheBytesOfTheFile) {
  const TemporaryFolder folder;
  const std::vector<std::int32_t> numbers = {7, -1, 1 << 30};
  AtomicFile file(folder / "numbers");
  file.write(bytes_of(numbers));
  file.commit();
  MappedFile mapped(folder / "numbers", MappedFile::Access::random);
  EXPECT_EQ(mapped.size(), 12u);
  EXPECT_EQ(mapped.elements<std::int32_t>(4, 2)[0], -1);
  const MappedFile moved = std::move(mapped);
  EXPECT_EQ(moved.elements<std::int32_t>(0, 3)[2], 1 << 30);
  EXPECT_THROW(moved.elements<std::int32_t>(4, 3), CorruptError);
  EXPECT_THROW(moved.elements<std::int32_t>(16, 0), CorruptError);
  EXPECT_THROW(moved.elements<std::int32_t>(0, std::size_t{1} << 62), CorruptError);
  EXPECT_THROW(moved.elements<std::int32_t>(2, 1), Error);
}

std::int64_t sum_of(const MappedFile& file) {
  std::int64_t sum = 0;
  for (const std::byte one : file.bytes()) sum += std::to_integer<int>(one);
  return sum;
}

TEST(MappedFile, PagesThatAreLeftCountNoMoreAndComeBack) {
  const TemporaryFolder folder;
  const std::string content(std::size_t{32} << 20, 'k');
  write_text_file(folder / "large", content);
  const MappedFile mapped(folder / "large");
  EXPECT_EQ(sum_of(mapped), std::int64_t{'k'} << 25);
  const std::int64_t before = resident_bytes();
  mapped.leave_pages();
  EXPECT_LT(resident_bytes(), before - (16 << 20));
  EXPECT_EQ(sum_of(mapped), std::int64_t{'k'} << 25);
}

TEST(MappedFile, AnEmptyFileHasNoBytes) {
  const TemporaryFolder folder;
  write_text_file(folder / "empty", "");
  const MappedFile empty(folder / "empty");
  empty.leave_pages();
  EXPECT_TRUE(empty.bytes().empty());
}

TEST(MappedFile, WhatIsNoFileIsNamed) {
  const TemporaryFolder folder;
  EXPECT_THAT([&] { MappedFile(folder / "absent"); }, ThrowsMessage<InputError>(HasSubstr("absent")));
  EXPECT_THROW(MappedFile(folder.path()), InputError);
}

}  // namespace
}  // namespace kith
