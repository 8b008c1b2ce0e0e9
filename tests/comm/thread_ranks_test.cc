// Every claim over ranks that are threads, without and with faults.
#include <atomic>
#include <chrono>
#include <thread>

#include "claims.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/comm/delayed_communicator.h"
#include "kith/comm/world.h"

namespace kith::test {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::ThrowsMessage;

class ThreadRanks : public testing::TestWithParam<std::tuple<Claim, int>> {};

TEST_P(ThreadRanks, Holds) {
  const auto& [claim, ranks] = GetParam();
  run_thread_ranks(ranks, claim.check);
}

TEST_P(ThreadRanks, HoldsWhenMessagesAreLateAndOvertakeEachOther) {
  const auto& [claim, ranks] = GetParam();
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(testing::Message() << "fault seed " << seed);
    run_thread_ranks(ranks, claim.check,
                     {.seed = seed, .delay_probability = 0.4, .reorder_probability = 0.4});
  }
}

TEST_P(ThreadRanks, HoldsOnASlowNetwork) {
  const auto& [claim, ranks] = GetParam();
  run_thread_ranks(ranks, [check = claim.check](Communicator& comm) {
    const auto slow = delayed_communicator(
        comm, {.alpha_seconds = 20e-6, .bytes_per_second = 1e9, .slow_rank = 1, .slow_factor = 3});
    check(*slow);
  });
}

INSTANTIATE_TEST_SUITE_P(, ThreadRanks, testing::Combine(testing::ValuesIn(kClaims), testing::Range(1, 5)),
                         [](const auto& p) {
                           return std::string(std::get<0>(p.param).name) + "_" +
                                  std::to_string(std::get<1>(p.param)) + "_ranks";
                         });

namespace {

constexpr std::chrono::milliseconds kLimit{300};

void reduce_ten_times_within(Communicator& comm, std::chrono::milliseconds limit) {
  comm.set_no_progress_limit(limit);
  for (int i = 0; i < 10; ++i) {
    std::vector<float> values(100, 1.0f);
    all_reduce_sum(comm, std::span(values), "gradients");
    if (values[0] != static_cast<float>(comm.size())) throw Error("a wrong sum");
  }
}

void reduce_ten_times(Communicator& comm) { reduce_ten_times_within(comm, kLimit); }

}  // namespace

TEST(ThreadFaults, ALostMessageIsNamedAndNeverChangesAResult) {
  int named = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) try {
      run_thread_ranks(3, reduce_ten_times, {.seed = seed, .drop_probability = 0.02});
    } catch (const PeerError& e) {
      EXPECT_THAT(e.what(), HasSubstr("gradients"));
      EXPECT_THAT(e.what(), HasSubstr("rank "));
      ++named;
    }
  EXPECT_GT(named, 0);
}

TEST(ThreadFaults, AStalledRankIsNamed) {
  // The stalled rank hears nothing new either, so it must not be the first to give up.
  const auto body = [](Communicator& comm) {
    reduce_ten_times_within(comm, comm.rank() == Rank(2) ? 100 * kLimit : kLimit);
  };
  const auto run = [&] { run_thread_ranks(4, body, {.stalled_rank = 2, .stall_after = 9}); };
  EXPECT_THAT(run, ThrowsMessage<PeerError>(HasSubstr("rank 2")));
}

TEST(ThreadFaults, OfAChainOfWaitsTheSilentEndIsNamed) {
  std::atomic<bool> over = false;
  const auto body = [&over](Communicator& comm) {
    comm.set_no_progress_limit(10 * kLimit);  // so that no rank is late for the roll call
    if (comm.rank() == Rank(1)) {
      while (!over) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return;
    }
    std::byte byte{};
    const Rank next = comm.rank() == Rank(0) ? Rank(2) : Rank(1);
    try {
      comm.wait(comm.start_receive(std::span(&byte, 1), next, 0, "a chain"));
    } catch (...) {
      if (comm.rank() == Rank(0)) over = true;
      throw;
    }
  };
  EXPECT_THAT([&] { run_thread_ranks(3, body); },
              ThrowsMessage<PeerError>(HasSubstr("waiting for rank 1 on host ")));
}

TEST(ThreadFaults, RanksThatWaitForEachOtherAreNamed) {
  const auto body = [](Communicator& comm) {
    comm.set_no_progress_limit(kLimit);
    std::byte byte{};
    comm.wait(comm.start_receive(std::span(&byte, 1), Rank((comm.rank().value() + 1) % 3), 0, "a circle"));
  };
  EXPECT_THAT([&] { run_thread_ranks(3, body); },
              ThrowsMessage<PeerError>(ContainsRegex("waiting for rank [0-2] on host [^ ,]+;")));
}

TEST(ThreadFaults, ARankThatThrowsEndsTheOthersAndItsReasonIsKept) {
  const auto begin = std::chrono::steady_clock::now();
  const auto run = [] {
    run_thread_ranks(4, [](Communicator& comm) {
      barrier(comm, "start");
      if (comm.rank() == Rank(2)) throw InputError("labels.csv:7: class 12 of 10");
      barrier(comm, "the end");
    });
  };
  EXPECT_THAT(run, ThrowsMessage<InputError>(HasSubstr("labels.csv:7")));
  // Without the news the others would have waited for the limit of 300 s.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

TEST(ThreadFaults, TheOthersLearnWhoEnded) {
  std::string heard;
  const auto body = [&heard](Communicator& comm) {
    if (comm.rank() == Rank(1)) comm.abort(ExitCode::corrupt);
    try {
      barrier(comm, "the end");
    } catch (const PeerError& e) {
      heard = e.what();
    }
  };
  EXPECT_THAT([&] { run_thread_ranks(2, body); }, ThrowsMessage<Error>(HasSubstr("exit code 5")));
  EXPECT_THAT(heard, HasSubstr("rank 1 ended: "));
}

TEST(ThreadFaults, WaitingForARankThatHasReturnedEndsAtOnce) {
  const auto body = [](Communicator& comm) {
    if (comm.rank() == Rank(0)) barrier(comm, "a barrier for one");
  };
  EXPECT_THAT([&] { run_thread_ranks(2, body); }, ThrowsMessage<PeerError>(HasSubstr("a barrier for one")));
}

TEST(ThreadFaults, AMessageOfTheWrongSizeIsRefused) {
  const auto body = [](Communicator& comm) {
    std::vector<std::byte> bytes(comm.rank() == Rank(0) ? 8 : 12);
    if (comm.rank() == Rank(0))
      comm.wait(comm.start_send(bytes, Rank(1), 0, "eight"));
    else
      comm.wait(comm.start_receive(bytes, Rank(0), 0, "twelve"));
  };
  EXPECT_THAT([&] { run_thread_ranks(2, body); },
              ThrowsMessage<PeerError>(HasSubstr("sent 8 bytes where 12 were expected")));
}

TEST(Communicator, RefusesPeersAndTagsThatDoNotExist) {
  run_thread_ranks(2, [](Communicator& comm) {
    EXPECT_THAT([&] { comm.start_send({}, Rank(2), 0, "x"); }, ThrowsMessage<Error>(HasSubstr("peer = 2")));
    EXPECT_THAT([&] { comm.start_receive({}, Rank(0), -1, "x"); },
                ThrowsMessage<Error>(HasSubstr("tag = -1")));
  });
}

}  // namespace kith::test
