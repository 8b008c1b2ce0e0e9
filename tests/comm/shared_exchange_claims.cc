#include <algorithm>
#include <deque>
#include <set>

#include "claims.h"
#include "draws.h"
#include <gtest/gtest.h>

#include "kith/comm/shared_exchange.h"

namespace kith::test {

namespace {

std::vector<std::byte> part_of(int round, int from, int to) {
  std::vector<std::byte> bytes(draw(21, round, from * 64 + to, 0) % 70000);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(draw(22, round, from * 64 + to, static_cast<std::int64_t>(i / 64)) + i);
  return bytes;
}

/// A part for every other rank, from one room.
void publish_round(Communicator& comm, SharedExchange& exchange, int round) {
  const int rank = comm.rank().value();
  std::vector<std::byte> all;
  std::vector<std::size_t> begin{0};
  for (int peer = 0; peer < comm.size(); ++peer) {
    const auto part = part_of(round, rank, peer);
    all.insert(all.end(), part.begin(), part.end());
    begin.push_back(all.size());
  }
  const auto room = exchange.room(all.size());
  const auto bytes = SharedExchange::bytes_of(*room);
  EXPECT_EQ(bytes.size(), all.size());
  std::copy(all.begin(), all.end(), bytes.begin());
  for (int peer = 0; peer < comm.size(); ++peer)
    if (peer != rank)
      exchange.publish(room, Rank(peer), bytes.subspan(begin[peer], begin[peer + 1] - begin[peer]),
                       static_cast<std::uint64_t>(round), "parts");
}

struct Arrived {
  int round, from;
  SharedExchange::Receive receive;
};

std::vector<Arrived> expect_round(Communicator& comm, SharedExchange& exchange, int round) {
  std::vector<Arrived> arrivals;
  for (int peer = 0; peer < comm.size(); ++peer)
    if (peer != comm.rank().value())
      arrivals.push_back({round, peer, exchange.start_receive(Rank(peer), "parts")});
  return arrivals;
}

void expect_whole(Communicator& comm, Arrived& arrived) {
  comm.wait(std::move(arrived.receive.pending));
  const auto bytes = arrived.receive.arrival->bytes();
  EXPECT_EQ(std::vector<std::byte>(bytes.begin(), bytes.end()),
            part_of(arrived.round, arrived.from, comm.rank().value()))
      << "round " << arrived.round << " from rank " << arrived.from;
  EXPECT_EQ(arrived.receive.arrival->checksum(), static_cast<std::uint64_t>(arrived.round));
}

}  // namespace

/// No message is sent, and what is read late is still what was written.
void shared_parts_are_read_where_they_lie(Communicator& comm) {
  SharedExchange exchange(comm);
  for (int peer = 0; peer < comm.size(); ++peer)
    EXPECT_TRUE(comm.size() == 1 || exchange.reaches(Rank(peer)));
  if (comm.size() == 1) return;
  const std::int64_t messages = comm.traffic().messages;
  constexpr int kRounds = 8, kLate = 3;
  std::deque<std::vector<Arrived>> under_way;
  for (int round = 0; round < kRounds; ++round) {
    publish_round(comm, exchange, round);
    under_way.push_back(expect_round(comm, exchange, round));
    if (std::ssize(under_way) <= kLate) continue;
    // The newest first: the older ones stay unread meanwhile.
    for (Arrived& arrived : under_way.back()) expect_whole(comm, arrived);
    under_way.pop_back();
  }
  for (auto& round : under_way)
    for (Arrived& arrived : round) expect_whole(comm, arrived);
  EXPECT_EQ(comm.traffic().messages, messages);
}

void shared_memory_is_used_again(Communicator& comm) {
  if (comm.size() == 1) return;
  SharedExchange exchange(comm);
  std::set<const std::byte*> places;
  for (int round = 0; round < 40; ++round) {
    const auto room = exchange.room(30000);
    places.insert(SharedExchange::bytes_of(*room).data());
    std::fill_n(SharedExchange::bytes_of(*room).data(), 30000, static_cast<std::byte>(round));
    std::vector<Arrived> arrivals = expect_round(comm, exchange, round);
    for (const Arrived& to : arrivals)
      exchange.publish(room, Rank(to.from), SharedExchange::bytes_of(*room), 0, "parts");
    for (Arrived& arrived : arrivals) {
      comm.wait(std::move(arrived.receive.pending));
      const auto bytes = arrived.receive.arrival->bytes();
      EXPECT_TRUE(std::all_of(bytes.begin(), bytes.end(),
                              [&](std::byte b) { return b == static_cast<std::byte>(round); }));
    }
    arrivals.clear();
    barrier(comm, "everybody has read");
  }
  EXPECT_EQ(places.size(), 1u);
}

void a_writer_waits_for_notes_to_be_read(Communicator& comm) {
  if (comm.size() == 1 || comm.rank().value() > 1) return static_cast<void>(SharedExchange(comm));
  SharedExchange exchange(comm);
  constexpr std::int64_t kParts = 3 * SharedExchange::kNotes + 5;
  for (std::int64_t i = 0; i < kParts; ++i) {
    if (comm.rank() == Rank(0)) {
      const auto room = exchange.room(8);
      const auto bytes = SharedExchange::bytes_of(*room);
      std::fill(bytes.begin(), bytes.end(), static_cast<std::byte>(i));
      exchange.publish(room, Rank(1), bytes, 0, "many parts");
    } else {
      auto receive = exchange.start_receive(Rank(0), "many parts");
      comm.wait(std::move(receive.pending));
      EXPECT_EQ(receive.arrival->bytes().front(), static_cast<std::byte>(i));
    }
  }
}

}  // namespace kith::test
