#include <algorithm>

#include "claims.h"
#include <gtest/gtest.h>

#include "kith/comm/staged_exchange.h"

namespace kith::test {

namespace {

constexpr std::int64_t kRowBytes = 24;

std::byte byte_of(int rank, int exchange) { return static_cast<std::byte>(rank * 16 + exchange + 1); }

/// In stage s a rank sends the row that came in the stage before to the next rank.
std::vector<ExchangeStage> round_trip(const Communicator& comm) {
  const int ranks = comm.size(), self = comm.rank().value();
  std::vector<ExchangeStage> stages;
  for (int stage = 0; stage + 1 < ranks; ++stage)
    stages.push_back({.leaving = {{.to = Rank((self + 1) % ranks), .rows = {stage}}},
                      .coming = {{.from = Rank((self + ranks - 1) % ranks), .first = stage + 1, .rows = 1}}});
  return stages;
}

}  // namespace

/// Two under way at once, the later one waited for first.
void rows_go_round_in_stages(Communicator& comm) {
  const std::vector<ExchangeStage> stages = round_trip(comm);
  const auto bytes = static_cast<std::size_t>(comm.size() * kRowBytes);
  std::vector<std::vector<std::byte>> stores(2, std::vector<std::byte>(bytes));
  std::vector<Pending> under_way;
  for (int exchange = 0; exchange < 2; ++exchange) {
    std::fill_n(stores[exchange].begin(), kRowBytes, byte_of(comm.rank().value(), exchange));
    under_way.push_back(start_stages(comm, stages, stores[exchange], kRowBytes, "rows that go round"));
  }
  for (const int exchange : {1, 0}) {
    comm.wait(std::move(under_way[exchange]));
    for (int distance = 0; distance < comm.size(); ++distance) {
      const int from = (comm.rank().value() + comm.size() - distance) % comm.size();
      const auto row = stores[exchange].begin() + distance * kRowBytes;
      EXPECT_EQ(std::count(row, row + kRowBytes, byte_of(from, exchange)), kRowBytes)
          << "exchange " << exchange << ", row of rank " << from;
    }
  }
}

}  // namespace kith::test
