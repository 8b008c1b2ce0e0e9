// What makes a run stop before its end: signals and the clock, and the vote that turns one rank's reason into
// all ranks'.
#include <csignal>
#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

#include "kith/comm/world.h"
#include "kith/exec/stop_vote.h"

namespace kith {
namespace {

std::time_t seconds_of(const std::string& text) {
  return std::chrono::system_clock::to_time_t(*end_time(text));
}

TEST(EndTime, SecondsAndLocalTimesAreTheSamePoint) {
  std::tm noon{};
  noon.tm_year = 196, noon.tm_mon = 10, noon.tm_mday = 21, noon.tm_hour = 12, noon.tm_min = 5;
  noon.tm_isdst = -1;
  const std::time_t expected = std::mktime(&noon);
  EXPECT_EQ(seconds_of("2096-11-21T12:05"), expected);
  EXPECT_EQ(seconds_of("2096-11-21T12:05:07"), expected + 7);
  EXPECT_EQ(seconds_of(std::to_string(expected)), expected);
}

TEST(EndTime, NoneAndAutoOutsideSlurmKnowNoEnd) {
  EXPECT_FALSE(end_time("none"));
  if (std::getenv("SLURM_JOB_ID") == nullptr) {
    EXPECT_FALSE(end_time("auto"));
  }
}

TEST(EndTime, AnythingElseIsRefused) {
  for (const char* text :
       {"", "soon", "12:00", "2096-11-21", "2096-11-21T12:00pm", "-5", "1e9", "99999999999999"})
    EXPECT_THROW(end_time(text), InputError) << text;
}

TEST(StopSignals, AreCaughtWhileAnyLives) {
  {
    const StopSignals outer;
    EXPECT_EQ(StopSignals::received(), 0);
    std::raise(SIGUSR1);
    const StopSignals inner;  // keeps what came before
    EXPECT_EQ(StopSignals::received(), SIGUSR1);
  }
  const StopSignals fresh;
  EXPECT_EQ(StopSignals::received(), 0);
}

TEST(StopSignals, AreWhatTheyWereAfterwards) {
  { const StopSignals caught; }
  struct sigaction now {};
  sigaction(SIGTERM, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

TEST(StopVote, ASignalThatComesAfterItsEndKillsNobody) {
  run_thread_ranks(2, [](Communicator& comm) {
    StopVote stop(comm, "none");
    if (comm.rank() == Rank{1}) std::raise(SIGUSR1);
    EXPECT_TRUE(stop.ask());
  });
  std::raise(SIGTERM);
  std::raise(SIGUSR1);
  { const StopSignals next; }
  struct sigaction now {};
  sigaction(SIGTERM, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

TEST(StopVote, OneRanksReasonIsAllRanksReason) {
  // Rank 0 alone watches the clock; so few seconds are less than any margin.
  const std::string soon = std::to_string(std::time(nullptr) + 4);
  run_thread_ranks(3, [&](Communicator& comm) {
    StopVote stop(comm, soon);
    EXPECT_FALSE(stop.agreed());
    EXPECT_TRUE(stop.ask());
    EXPECT_EQ(stop.reason(), "the job's end is near");
  });
}

TEST(StopVote, WithoutAReasonNobodyStops) {
  const std::string late = std::to_string(std::time(nullptr) + 3600);
  run_thread_ranks(2, [&](Communicator& comm) {
    StopVote stop(comm, late);
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(stop.ask());
  });
}

TEST(StopVote, ALongCheckpointMakesTheEndNear) {
  const std::string later = std::to_string(std::time(nullptr) + 100);
  run_thread_ranks(2, [&](Communicator& comm) {
    StopVote stop(comm, later);
    EXPECT_FALSE(stop.ask());
    if (comm.rank() == Rank{0}) stop.note_checkpoint(std::chrono::seconds(60));
    EXPECT_TRUE(stop.ask());
  });
}

TEST(StopVote, AnEndThatIsOverIsRefusedByAllRanks) {
  EXPECT_THROW(run_thread_ranks(2, [](Communicator& comm) { StopVote stop(comm, "2001-01-01T00:00"); }),
               InputError);
}

}  // namespace
}  // namespace kith
