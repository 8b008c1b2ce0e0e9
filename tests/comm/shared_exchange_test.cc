// What happens to shared memory when a rank is late, ends or fails.
#include "kith/comm/shared_exchange.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/comm/world.h"

namespace kith::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

void read_from_rank_1(Communicator& comm, SharedExchange& exchange) {
  comm.wait(exchange.start_receive(Rank(1), "rows in vain").pending);
}

TEST(SharedExchange, WaitingInVainNamesPeerAndOperation) {
  const auto run = [] {
    run_thread_ranks(2, [](Communicator& comm) {
      SharedExchange exchange(comm);
      comm.set_no_progress_limit(std::chrono::milliseconds(comm.rank() == Rank(0) ? 100 : 20000));
      if (comm.rank() == Rank(0)) read_from_rank_1(comm, exchange);
      barrier(comm, "the end");
    });
  };
  EXPECT_THAT(run, ThrowsMessage<PeerError>(AllOf(HasSubstr("'rows in vain' (read of shared memory)"),
                                                  HasSubstr("waiting for rank 1 on host "))));
}

TEST(SharedExchange, ARankThatEndsIsNamedAtOnce) {
  const auto run = [] {
    run_thread_ranks(2, [](Communicator& comm) {
      SharedExchange exchange(comm);
      if (comm.rank() == Rank(0)) read_from_rank_1(comm, exchange);
    });
  };
  EXPECT_THAT(run, ThrowsMessage<PeerError>(HasSubstr("rank 1 ended without publishing")));
}

TEST(SharedExchange, ARankThatThrowsEndsItsReadersAndWriters) {
  const auto run = [] {
    run_thread_ranks(3, [](Communicator& comm) {
      SharedExchange exchange(comm);
      if (comm.rank() == Rank(1)) throw InputError("labels.csv:7: class 12 of 10");
      // Rank 0 would wait for a part, rank 2 for its reader.
      if (comm.rank() == Rank(0)) read_from_rank_1(comm, exchange);
      const auto room = exchange.room(64);
      exchange.publish(room, Rank(1), SharedExchange::bytes_of(*room), 0, "rows that nobody reads");
    });
  };
  EXPECT_THAT(run, ThrowsMessage<InputError>(HasSubstr("labels.csv:7")));
}

/// Its exchange is gone when the reader looks at it once more: the memory is the reader's, too.
TEST(SharedExchange, WhatIsBeingReadOutlivesItsWriter) {
  std::atomic<bool> gone = false;
  run_thread_ranks(2, [&](Communicator& comm) {
    auto exchange = std::make_unique<SharedExchange>(comm);
    if (comm.rank() == Rank(1)) {
      const auto room = exchange->room(100000);
      const auto bytes = SharedExchange::bytes_of(*room);
      std::fill(bytes.begin(), bytes.end(), std::byte{5});
      exchange->publish(room, Rank(0), bytes, 7, "rows");
      comm.set_no_progress_limit(std::chrono::milliseconds(50));
      exchange.reset();  // nobody is done with it, and after the limit it goes all the same
      gone = true;
      return;
    }
    auto receive = exchange->start_receive(Rank(1), "rows");
    comm.wait(std::move(receive.pending));
    while (!gone) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto bytes = receive.arrival->bytes();
    EXPECT_EQ(std::count(bytes.begin(), bytes.end(), std::byte{5}), 100000);
  });
}

TEST(SharedMemory, IsFoundByItsNameUntilItIsHidden) {
  const auto memory = SharedMemory::make(5000);
  ASSERT_NE(memory, nullptr);
  memory->data()[4999] = std::byte{9};
  const auto same = SharedMemory::open(memory->name());
  ASSERT_NE(same, nullptr);
  EXPECT_NE(same->data(), memory->data());
  EXPECT_EQ(same->data()[4999], std::byte{9});
  EXPECT_EQ(same->data()[0], std::byte{0});
  same->data()[0] = std::byte{3};
  EXPECT_EQ(memory->data()[0], std::byte{3});
  SharedMemory::Name longer = memory->name();
  longer.bytes = 1 << 20;
  EXPECT_EQ(SharedMemory::open(longer), nullptr);
  EXPECT_EQ(SharedMemory::open({}), nullptr);
  memory->hide();
  EXPECT_EQ(SharedMemory::open(memory->name()), nullptr);
}

TEST(SharedMemory, MoreThanThereIsIsNoMemory) {
  EXPECT_EQ(SharedMemory::make(std::size_t{1} << 60), nullptr);
}

}  // namespace
}  // namespace kith::test
