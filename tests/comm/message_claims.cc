#include <thread>

#include "claims.h"
#include "draws.h"
#include <gtest/gtest.h>

#include "kith/comm/row_exchange.h"
#include "kith/comm/world.h"

namespace kith::test {

namespace {

std::vector<std::byte> letter(int from, int to, std::int64_t number, std::size_t bytes) {
  std::vector<std::byte> text(bytes);
  for (std::size_t i = 0; i < bytes; ++i)
    text[i] = static_cast<std::byte>(draw(1, from * 64 + to, number, static_cast<std::int64_t>(i / 64)) + i);
  return text;
}

}  // namespace

void messages_arrive_whole_and_in_order(Communicator& comm) {
  const std::size_t sizes[] = {0, 1, 7, 4096, 100003, 1 << 20};
  const int ranks = comm.size(), rank = comm.rank().value();
  std::vector<std::vector<std::byte>> out, in;
  std::vector<Pending> pending;
  std::int64_t number = 0;
  for (const std::size_t bytes : sizes)
    for (const int tag : {3, 3, 5})
      for (int peer = 0; peer < ranks; ++peer)
        out.push_back(letter(rank, peer, number * 3 + tag, bytes)), ++number;
  in.reserve(out.size());
  number = 0;
  for (const std::size_t bytes : sizes)
    for (const int tag : {3, 3, 5})
      for (int peer = 0; peer < ranks; ++peer) {
        in.emplace_back(bytes);
        pending.push_back(comm.start_receive(in.back(), Rank(peer), tag, "letters"));
        pending.push_back(
            comm.start_send(out[static_cast<std::size_t>(number++)], Rank(peer), tag, "letters"));
      }
  comm.wait_all(std::move(pending));
  number = 0;
  for (const std::size_t bytes : sizes)
    for (const int tag : {3, 3, 5})
      for (int peer = 0; peer < ranks; ++peer, ++number) {
        // The sender numbered this letter by the place of *this* rank among its peers.
        const std::int64_t sent_as = number - peer + rank;
        EXPECT_EQ(in[static_cast<std::size_t>(number)], letter(peer, rank, sent_as * 3 + tag, bytes))
            << bytes << " bytes from rank " << peer << ", tag " << tag;
      }
}

void another_thread_may_use_a_duplicate(Communicator& comm) {
  const auto other = comm.duplicate();
  const int ranks = comm.size();
  const auto expected = folded<float>(ranks, 5000);
  const auto sums = [&](Communicator& world) {
    for (int i = 0; i < 20; ++i) {
      auto mine = awkward_numbers<float>(world.rank().value(), 5000);
      all_reduce_sum(world, mine, "sums of two threads");
      EXPECT_EQ(mine, expected);
    }
  };
  std::thread thread([&] {
    try {
      sums(*other);
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
    }
  });
  try {
    sums(comm);
  } catch (const std::exception& e) {
    ADD_FAILURE() << e.what();
  }
  thread.join();
  const auto again = other->duplicate();
  barrier(*again, "a duplicate of a duplicate");
}

void waiting_in_vain_names_peer_and_operation(Communicator& comm) {
  const int last = comm.size() - 1;
  const auto limit = comm.no_progress_limit();
  if (comm.rank() == Rank(0)) {
    comm.set_no_progress_limit(std::chrono::milliseconds(100));
    std::byte nothing{};
    try {
      comm.wait(comm.start_receive({&nothing, 1}, Rank(last), 9, "a letter that nobody sends"));
      ADD_FAILURE() << "the wait ended";
    } catch (const PeerError& e) {
      const std::string text = e.what();
      EXPECT_NE(text.find("a letter that nobody sends"), text.npos) << text;
      EXPECT_NE(text.find("rank " + std::to_string(last) + " on host " + comm.host_of(Rank(last))), text.npos)
          << text;
      EXPECT_NE(text.find("--no-progress-limit"), text.npos) << text;
    }
    EXPECT_NE(last_operations(comm).find("a letter that nobody sends: receive of 1 bytes"),
              std::string::npos);
    comm.set_no_progress_limit(limit);
  }
  barrier(comm, "after waiting in vain");
}

void a_collective_without_a_rank_names_it(Communicator& comm) {
  const auto apart = comm.duplicate();  // what is left of the failed collective stays there
  const int last = comm.size() - 1;
  if (last > 0 && comm.rank() != Rank(last)) {
    std::vector<float> values(100000);
    apart->set_no_progress_limit(std::chrono::milliseconds(100));
    try {
      all_reduce_sum(*apart, std::span(values), "gradients");
      ADD_FAILURE() << "the collective ended";
    } catch (const PeerError& e) {
      const std::string text = e.what();
      EXPECT_NE(text.find("'gradients' (all-reduce of "), text.npos) << text;
      EXPECT_NE(text.find("rank " + std::to_string(last) + " on host"), text.npos) << text;
    }
  }
  barrier(comm, "after a collective without a rank");
}

void thread_defaults_and_rank_table_agree(Communicator& comm) {
  const int threads = default_threads(comm);
  EXPECT_GE(threads, 1);
  const std::string table = rank_table(comm, threads);
  for (const std::string& other : all_gather(comm, table, "tables")) EXPECT_EQ(other, table);
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), comm.size() + 1);
}

}  // namespace kith::test
