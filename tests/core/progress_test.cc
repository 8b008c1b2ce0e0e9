#include "kith/core/progress.h"

#include <limits>
#include <thread>

#include "core/temporary_folder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kith {
namespace {

using kith::testing::ScopedVariable;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

template <class Use>
std::string shown(const char* style, Use use) {
  const ScopedVariable variable("KITH_PROGRESS", style);
  ::testing::internal::CaptureStderr();
  use();
  return ::testing::internal::GetCapturedStderr();
}

TEST(Progress, PlainEndsWithOneLineOfCountRateTimeMemoryAndNote) {
  const std::string text = shown("plain", [] {
    Progress progress("reading", 1500, "edges");
    progress.add(700);
    progress.add(800);
    progress.note("loss 0.412");
  });
  EXPECT_THAT(text, MatchesRegex("reading: 1\\.5 k edges · .*/s · .*s · .* MB · loss 0\\.412\n"));
}

TEST(Progress, FinishIsShownOnce) {
  const std::string text = shown("plain", [] {
    Progress progress("a", 0, "rows");
    progress.finish();
    progress.finish();
    progress.add(1);
  });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(Progress, LiveRedrawsOneLineWithPartAndTimeLeft) {
  const std::string text = shown("live", [] {
    Progress progress("reading", 400, "edges");
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    progress.add(100);
  });
  EXPECT_THAT(text, AllOf(StartsWith("\rreading: 25% · 100 of 400 edges · "), HasSubstr(" left · ")));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\r'), 2);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(Progress, NoneShowsNothing) {
  EXPECT_EQ(shown("none", [] { Progress("a", 1, "rows").add(1); }), "");
}

TEST(Progress, ElsewhereThanOnATerminalIsPlain) {
  EXPECT_THAT(shown(nullptr, [] { Progress("a", 1, "rows").add(1); }),
              AllOf(StartsWith("a: 1 rows"), Not(HasSubstr("\r"))));
}

TEST(Progress, AddsOfSeveralThreadsAllCount) {
  const std::string text = shown("plain", [] {
    Progress progress("a", 0, "rows");
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 100; ++i) progress.add(1);
      });
    threads.clear();
  });
  EXPECT_THAT(text, StartsWith("a: 400 rows"));
}

TEST(Human, NumbersHaveTwoOrThreeDigitsAndAUnit) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1234), "1.2 kB");
  EXPECT_EQ(human_bytes(999'960), "1.0 MB");
  EXPECT_EQ(human_bytes(123.4e9), "123 GB");
  EXPECT_EQ(human_count(17), "17");
  EXPECT_EQ(human_count(3.25), "3.2");
  EXPECT_EQ(human_count(3400), "3.4 k");
  EXPECT_EQ(human_count(1.6e9), "1.6 G");
}

TEST(Human, TimesChangeUnitWithoutGaps) {
  EXPECT_EQ(human_seconds(0), "0 s");
  EXPECT_EQ(human_seconds(0.00004), "40 µs");
  EXPECT_EQ(human_seconds(0.0123), "12.3 ms");
  EXPECT_EQ(human_seconds(0.414), "0.41 s");
  EXPECT_EQ(human_seconds(9.996), "10.0 s");
  EXPECT_EQ(human_seconds(59.94), "59.9 s");
  EXPECT_EQ(human_seconds(59.96), "1 m 00 s");
  EXPECT_EQ(human_seconds(123), "2 m 03 s");
  EXPECT_EQ(human_seconds(3599.7), "1 h 00 m");
  EXPECT_EQ(human_seconds(7500), "2 h 05 m");
  EXPECT_EQ(human_seconds(std::numeric_limits<double>::infinity()), "very long");
}

}  // namespace
}  // namespace kith
