#include "kith/comm/frame_exchange.h"

#include "draws.h"
#include <gtest/gtest.h>

#include "kith/comm/world.h"

namespace kith::test {
namespace {

/// The frame of a round from one rank to another; some pairs have none, some an empty one.
bool has_frame(int round, int from, int to) {
  return from != to && draw(11, round, from * 64 + to, 0) % 4 != 0;
}
std::vector<std::byte> frame_of(int round, int from, int to) {
  std::vector<std::byte> bytes(
      draw(12, round, from * 64 + to, 0) % 3 == 0 ? 0 : draw(13, round, from * 64 + to, 0) % 5000);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(draw(14, round, from * 64 + to, static_cast<std::int64_t>(i)));
  return bytes;
}

struct Round {
  std::vector<std::vector<std::byte>> sent;
  std::vector<FrameExchange::Parcel> parcels;
  std::vector<FrameExchange::Expected> expected;

  Round(const Communicator& comm, int round) {
    const int rank = comm.rank().value();
    for (int peer = 0; peer < comm.size(); ++peer) {
      if (has_frame(round, rank, peer)) sent.push_back(frame_of(round, rank, peer));
      if (has_frame(round, peer, rank)) expected.push_back({Rank(peer), 5000});
    }
    std::size_t next = 0;
    for (int peer = 0; peer < comm.size(); ++peer)
      if (has_frame(round, rank, peer)) parcels.push_back({Rank(peer), sent[next++]});
  }
  void expect_arrived(const Communicator& comm, const FrameExchange::InFlight& flight, int round) const {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto frame = flight.frame(i);
      EXPECT_EQ(std::vector<std::byte>(frame.begin(), frame.end()),
                frame_of(round, expected[i].peer.value(), comm.rank().value()));
    }
  }
};

/// Later ones are waited for first, and looked at in between.
TEST(FrameExchange, FramesOfAnyLengthArriveWholeHoweverExchangesAreWaitedFor) {
  for (const FrameCheck check : {FrameCheck::none, FrameCheck::checksum}) {
    for (const int ranks : {2, 3, 5}) {
      const Faults faults{.seed = 3, .delay_probability = 0.2, .reorder_probability = 0.3};
      run_thread_ranks(
          ranks,
          [&](Communicator& comm) {
            Ledger ledger;
            FrameExchange exchange(comm, ledger, check);
            constexpr int kRounds = 6;
            std::vector<Round> rounds;
            for (int r = 0; r < kRounds; ++r) rounds.emplace_back(comm, r);
            std::vector<FrameExchange::InFlight> flights;
            for (int r = 0; r < kRounds; ++r)
              flights.push_back(exchange.start(rounds[r].parcels, rounds[r].expected, {.counter = "frames"}));
            for (int r = kRounds; r-- > 0;) flights[r].progress();
            for (int r = kRounds; r-- > 0;) flights[r].wait();
            double bytes = 0, messages = 0;
            for (int r = 0; r < kRounds; ++r) {
              rounds[r].expect_arrived(comm, flights[r], r);
              for (const auto& frame : rounds[r].sent) {
                bytes += static_cast<double>(frame.size()) +
                         static_cast<double>(FrameExchange::preamble_bytes(check));
                messages += frame.empty() ? 1 : 2;
              }
            }
            EXPECT_EQ(ledger.total("frames.bytes"), bytes);
            EXPECT_EQ(ledger.total("frames.messages"), messages);
          },
          faults);
    }
  }
}

std::string failure_of_exchange(const FrameCheck check, const Faults& faults, std::int64_t most_bytes) {
  try {
    run_thread_ranks(
        2,
        [&](Communicator& comm) {
          comm.set_no_progress_limit(std::chrono::seconds(5));
          Ledger ledger;
          FrameExchange exchange(comm, ledger, check);
          const std::vector<std::byte> frame(100, std::byte{7});
          const FrameExchange::Parcel parcel{Rank(1 - comm.rank().value()), frame};
          const FrameExchange::Expected expected{parcel.peer, most_bytes};
          exchange.start({&parcel, 1}, {&expected, 1}, {.what = "frames under test"}).wait();
        },
        faults);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(FrameExchange, ACorruptedFrameIsNamedByItsChecksumAndNeverHandedOn) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Faults faults{.seed = seed, .corrupt_probability = 1, .corrupted = "frames under test"};
    const std::string message = failure_of_exchange(FrameCheck::checksum, faults, 100);
    EXPECT_TRUE(message.find("checksum") != std::string::npos ||
                message.find("longer") != std::string::npos || message.find("expected") != std::string::npos)
        << message;
  }
  EXPECT_EQ(failure_of_exchange(FrameCheck::checksum, {}, 100), "");
}

TEST(FrameExchange, NoMemoryIsTakenForAFrameThatCannotBe) {
  EXPECT_NE(failure_of_exchange(FrameCheck::none, {}, 99).find("longer"), std::string::npos);
}

}  // namespace
}  // namespace kith::test
