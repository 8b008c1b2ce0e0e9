#include "claims.h"
#include "draws.h"
#include <gtest/gtest.h>

#include "kith/comm/row_exchange.h"

namespace kith::test {

namespace {

/// How many rows `from` sends to `to` in a round; about half of the pairs have none.
std::int64_t rows_between(int round, int from, int to) {
  const auto word = draw(5, round, from * 64 + to, 0);
  return word % 2 == 0 ? 0 : (word >> 8) % (round % 3 == 0 ? 3000 : 40);
}

struct Rows {
  RowCounts counts;
  std::vector<std::uint32_t> send, receive, expected;
  std::int64_t width;

  Rows(Communicator& comm, int round) : width(1 + draw(6, round, 0, 0) % 70) {
    const int rank = comm.rank().value();
    for (int peer = 0; peer < comm.size(); ++peer) {
      counts.send.push_back(rows_between(round, rank, peer));
      counts.receive.push_back(rows_between(round, peer, rank));
      for (std::int64_t i = 0; i < counts.send.back() * width; ++i)
        send.push_back(draw(7, round, rank * 64 + peer, i));
      for (std::int64_t i = 0; i < counts.receive.back() * width; ++i)
        expected.push_back(draw(7, round, peer * 64 + rank, i));
    }
    receive.assign(expected.size(), 0);
  }
  std::int64_t row_bytes() const { return width * 4; }
  std::span<const std::byte> out() const { return std::as_bytes(std::span(send)); }
  std::span<std::byte> in() { return std::as_writable_bytes(std::span(receive)); }
};

}  // namespace

void rows_arrive_as_in_the_model(Communicator& comm) {
  const int rank = comm.rank().value();
  for (int round = 0; round < 12; ++round) {
    Ledger ledger;
    RowExchange exchange(comm, ledger);
    Rows rows(comm, round);
    exchange.exchange(rows.out(), rows.in(), rows.counts, rows.row_bytes(),
                      {.what = "random rows", .counter = "halo", .layer = 2});
    EXPECT_EQ(rows.receive, rows.expected) << "round " << round;
    const auto entries = ledger.entries();
    double crossing = 0, messages = 0;
    for (int peer = 0; peer < comm.size(); ++peer) {
      const double count = peer == rank ? 0.0 : static_cast<double>(rows_between(round, rank, peer));
      const auto found = entries.find({"halo.rows", 2, peer});
      EXPECT_EQ(found == entries.end() ? 0.0 : found->second, count)
          << "round " << round << ", peer " << peer;
      crossing += count;
      messages += count > 0 ? 1 : 0;
    }
    EXPECT_EQ(ledger.total("halo.rows"), crossing);
    EXPECT_EQ(ledger.total("halo.bytes"), crossing * static_cast<double>(rows.row_bytes()));
    EXPECT_EQ(ledger.total("halo.messages"), messages);
    EXPECT_EQ(entries.count({"halo.wait", 2, -1}), 1u);
    EXPECT_EQ(entries.count({"halo.hidden", 2, -1}), 1u);
  }
}

void counts_are_transposed(Communicator& comm) {
  Ledger ledger;
  RowExchange exchange(comm, ledger);
  std::vector<std::int64_t> send, expected;
  for (int peer = 0; peer < comm.size(); ++peer) {
    send.push_back(rows_between(1, comm.rank().value(), peer));
    expected.push_back(rows_between(1, peer, comm.rank().value()));
  }
  EXPECT_EQ(exchange.exchange_counts(send, {}), expected);
  EXPECT_EQ(ledger.total("halo.count_bytes"), 8.0 * (comm.size() - 1));
  EXPECT_EQ(ledger.total("halo.bytes"), 0.0);
}

void exchanges_overlap(Communicator& comm) {
  Ledger ledger;
  RowExchange exchange(comm, ledger);
  Rows first(comm, 20), second(comm, 21);
  auto one = exchange.start(first.out(), first.in(), first.counts, first.row_bytes(), {.what = "first"});
  auto two = exchange.start(second.out(), second.in(), second.counts, second.row_bytes(), {.what = "second"});
  auto sum = awkward_numbers<double>(comm.rank().value(), 10000);
  all_reduce_sum(comm, std::span(sum), "between start and wait");
  EXPECT_EQ(sum, folded<double>(comm.size(), 10000));
  // Odd ranks wait in the other order.
  if (comm.rank().value() % 2 == 1) std::swap(one, two);
  while (!two.progress()) comm.progress();
  one.wait();
  two.wait();
  EXPECT_EQ(first.receive, first.expected);
  EXPECT_EQ(second.receive, second.expected);
}

}  // namespace kith::test
