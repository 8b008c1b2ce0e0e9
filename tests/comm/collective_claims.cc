#include <algorithm>
#include <chrono>
#include <cstring>

#include "claims.h"
#include "draws.h"
#include <gtest/gtest.h>

#include "kith/comm/clock_offset.h"

namespace kith::test {

namespace {

template <class T>
void expect_fold(Communicator& comm, std::size_t count) {
  auto mine = awkward_numbers<T>(comm.rank().value(), count);
  all_reduce_sum(comm, std::span(mine), "fold");
  EXPECT_EQ(mine, folded<T>(comm.size(), count)) << count << " numbers";
}

}  // namespace

void all_reduce_is_the_fold_in_rank_order(Communicator& comm) {
  for (const std::size_t count : {0, 1, 2, 5, 1023, 1024, 1025, 2049, 100003}) {
    expect_fold<float>(comm, count);
    expect_fold<double>(comm, count);
  }
  double sum = 0;
  for (int r = 0; r < comm.size(); ++r) sum += 0.1 * (r + 1);
  EXPECT_DOUBLE_EQ(all_reduce_sum(comm, 0.1 * (comm.rank().value() + 1), "scalar"), sum);
  EXPECT_EQ(all_reduce_max(comm, std::int64_t{comm.rank().value()}, "scalar"), comm.size() - 1);
  EXPECT_EQ(all_reduce_max(comm, -1.0 * comm.rank().value(), "scalar"), 0.0);
  EXPECT_EQ(
      all_reduce_sum(comm, std::int64_t{1} << 60 >> comm.rank().value(), "scalar") >> (61 - comm.size()),
      (std::int64_t{1} << comm.size()) - 1);
}

void all_reduces_complete_in_any_order_of_waiting(Communicator& comm) {
  constexpr int kRunning = 6;
  const int rank = comm.rank().value();
  std::vector<std::vector<float>> values;
  std::vector<Pending> pending;
  for (int i = 0; i < kRunning; ++i) values.push_back(awkward_numbers<float>(rank, 3000 * (i + 1)));
  for (auto& v : values) pending.push_back(comm.start_all_reduce_sum(std::span(v), "bucket"));
  for (int i = 0; i < kRunning; ++i) {
    // Rank 0 waits forwards, rank 1 backwards, rank 2 from the middle, …
    const int turn = rank % 2 == 0 ? (i + rank) % kRunning : (kRunning - 1 - i + rank - 1) % kRunning;
    comm.wait(std::move(pending[static_cast<std::size_t>(turn)]));
    EXPECT_EQ(values[static_cast<std::size_t>(turn)],
              folded<float>(comm.size(), values[static_cast<std::size_t>(turn)].size()));
  }
}

void every_root_broadcasts(Communicator& comm) {
  for (int root = 0; root < comm.size(); ++root)
    for (const std::size_t count : {0, 1, 1000, 70000}) {
      const auto expected = awkward_numbers<double>(root + 10, count);
      auto values = comm.rank() == Rank(root) ? expected : std::vector<double>(count, -1.0);
      broadcast_values(comm, std::span(values), Rank(root), "broadcast");
      EXPECT_EQ(values, expected) << "root " << root << ", " << count << " numbers";
    }
}

void gathers_give_all_by_rank(Communicator& comm) {
  const int ranks = comm.size(), rank = comm.rank().value();
  const auto numbers = all_gather(comm, std::int64_t{rank} * 7 - 3, "numbers");
  const auto text = [](int r) {
    return std::string(static_cast<std::size_t>(r * r * 1000), static_cast<char>('a' + r));
  };
  const auto texts = all_gather(comm, text(rank), "texts");
  for (int root = 0; root < ranks; ++root) {
    const auto gathered = gather(comm, text(rank), Rank(root), "texts at a root");
    EXPECT_EQ(gathered, root == rank ? texts : std::vector<std::string>{});
  }
  EXPECT_EQ(std::ssize(numbers), ranks);
  for (int r = 0; r < std::min<int>(ranks, static_cast<int>(numbers.size())); ++r) {
    EXPECT_EQ(numbers[static_cast<std::size_t>(r)], r * 7 - 3);
    EXPECT_EQ(texts[static_cast<std::size_t>(r)], text(r));
  }
  barrier(comm, "barrier");
}

void ranks_agree_on_the_most_telling_exit_code(Communicator& comm) {
  const bool last = comm.rank().value() == comm.size() - 1;
  EXPECT_EQ(agree(comm, ExitCode::done), ExitCode::done);
  EXPECT_EQ(agree(comm, last ? ExitCode::requeue : ExitCode::done), ExitCode::requeue);
  EXPECT_EQ(agree(comm, last ? ExitCode::bad_input : ExitCode::peer_lost), ExitCode::bad_input);
  EXPECT_EQ(agree(comm, last ? ExitCode::corrupt : ExitCode::requeue), ExitCode::corrupt);
}

void clocks_of_one_host_agree(Communicator& comm) {
  const auto begin = std::chrono::steady_clock::now();
  const ClockOffset offset = clock_offset(comm);
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_LE(std::chrono::abs(offset.to_root), offset.error);
  EXPECT_LE(offset.error, took / 2 + std::chrono::nanoseconds(1));
  EXPECT_EQ(offset.error.count() == 0, comm.rank() == Rank{0});
}

}  // namespace kith::test
