#include "kith/core/log.h"

#include "core/temporary_folder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/core/file.h"

namespace kith {
namespace {

using kith::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string console_of_all_levels(const log::Options& options) {
  log::open(options);
  ::testing::internal::CaptureStderr();
  log::debug("detail {} %v");
  log::info("fact");
  log::warning("doubt");
  log::error("failure");
  log::flush();
  std::string text = ::testing::internal::GetCapturedStderr();
  log::open({});
  return text;
}

TEST(Log, RankZeroPrintsFromItsLevelUp) {
  EXPECT_EQ(console_of_all_levels({}), "fact\nwarning: doubt\nerror: failure\n");
  EXPECT_EQ(console_of_all_levels({.level = log::Level::debug}),
            "debug: detail {} %v\nfact\nwarning: doubt\nerror: failure\n");
  EXPECT_EQ(console_of_all_levels({.level = log::Level::error}), "error: failure\n");
}

TEST(Log, OtherRanksPrintOnlyWarningsAndErrorsWithTheirRank) {
  EXPECT_EQ(console_of_all_levels({.rank = 3, .ranks = 4, .level = log::Level::debug}),
            "rank 3: warning: doubt\nrank 3: error: failure\n");
}

TEST(Log, EveryLevelGoesToTheFileOfTheRank) {
  const TemporaryFolder folder;
  console_of_all_levels({.rank = 3, .ranks = 4, .folder = folder.path()});
  const std::string text = read_text_file(folder / "rank-00003.log");
  EXPECT_THAT(text, AllOf(HasSubstr("debug detail {} %v\n"), HasSubstr("info fact\n"),
                          HasSubstr("warning doubt\n"), HasSubstr("error failure\n")));
}

TEST(Log, AWarningIsInTheFileAtOnce) {
  const TemporaryFolder folder;
  log::open({.folder = folder.path()});
  ::testing::internal::CaptureStderr();
  log::info("before");
  EXPECT_THAT(read_text_file(folder / "rank-00000.log"), Not(HasSubstr("before")));
  log::warning("now");
  EXPECT_THAT(read_text_file(folder / "rank-00000.log"), AllOf(HasSubstr("before"), HasSubstr("now")));
  ::testing::internal::GetCapturedStderr();
  log::open({});
}

TEST(Log, AFolderThatCannotBeWrittenIsNamed) {
  EXPECT_THAT([] { log::open({.folder = "/proc/no-such-folder"}); },
              ::testing::ThrowsMessage<InputError>(HasSubstr("/proc/no-such-folder")));
}

}  // namespace
}  // namespace kith
