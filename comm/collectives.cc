// The blocking collectives, made of messages so that each can time out and name who is missing.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "kith/comm/internal_messages.h"

namespace kith {

namespace {

/// The logged messages of one collective: one tag, any number of rounds.
class Rounds {
 public:
  Rounds(Communicator& comm, const char* what)
      : comm_(comm), what_(what), tag_(InternalMessages::next_collective_tag(comm)) {}
  void send(std::span<const std::byte> bytes, int to) {
    pending_.push_back(InternalMessages::logged(comm_,
                                                InternalMessages::send(comm_, bytes, Rank(to), tag_, what_),
                                                "send", static_cast<std::int64_t>(bytes.size()), to));
  }
  void receive(std::span<std::byte> bytes, int from) {
    pending_.push_back(
        InternalMessages::logged(comm_, InternalMessages::receive(comm_, bytes, Rank(from), tag_, what_),
                                 "receive", static_cast<std::int64_t>(bytes.size()), from));
  }
  void finish() {
    comm_.wait_all(std::move(pending_));
    pending_.clear();
  }

 private:
  Communicator& comm_;
  const char* what_;
  int tag_;
  std::vector<Pending> pending_;
};

template <class T>
std::vector<T> all_gather_numbers(Communicator& comm, T value, const char* what) {
  std::vector<T> all(static_cast<std::size_t>(comm.size()));
  all_gather_blocks(comm, std::as_bytes(std::span(&value, 1)), std::as_writable_bytes(std::span(all)), what);
  return all;
}

}  // namespace

/// Dissemination (Hensgen, Finkel, Manber 1988): after round i everybody has heard of 2^(i+1) ranks.
void barrier(Communicator& comm, const char* what) {
  Rounds rounds(comm, what);
  const int ranks = comm.size(), rank = comm.rank().value();
  for (int distance = 1; distance < ranks; distance *= 2) {
    rounds.receive({}, (rank - distance + ranks) % ranks);
    rounds.send({}, (rank + distance) % ranks);
    rounds.finish();
  }
}

/// A binomial tree: a rank gets the bytes from the rank without its lowest set bit, and serves the bits
/// below.
void broadcast(Communicator& comm, std::span<std::byte> bytes, Rank root, const char* what) {
  const int ranks = comm.size();
  require(root.value() >= 0 && root.value() < ranks, "broadcast: the root is not a rank",
          {{"root", root.value()}, {"ranks", ranks}});
  Rounds rounds(comm, what);
  const int place = (comm.rank().value() - root.value() + ranks) % ranks;
  const auto rank_at = [&](int p) { return (p + root.value()) % ranks; };
  int bit = 1;
  while (bit < ranks && (place & bit) == 0) bit *= 2;
  if (place != 0) {
    rounds.receive(bytes, rank_at(place - bit));
    rounds.finish();
  }
  for (bit /= 2; bit > 0; bit /= 2)
    if (place + bit < ranks) rounds.send(bytes, rank_at(place + bit));
  rounds.finish();
}

/// Bruck et al. 1997: in round i a rank passes on the 2^i blocks it has, so log₂ P rounds.
void all_gather_blocks(Communicator& comm, std::span<const std::byte> mine, std::span<std::byte> all,
                       const char* what) {
  const int ranks = comm.size(), rank = comm.rank().value();
  const std::size_t block = mine.size();
  require(all.size() == block * static_cast<std::size_t>(ranks),
          "all_gather_blocks: the result must have room for one block of each rank",
          {{"bytes", all.size()}, {"block", block}, {"ranks", ranks}});
  Rounds rounds(comm, what);
  std::vector<std::byte> blocks(all.size());  // block j is that of rank (rank + j) mod P
  std::copy(mine.begin(), mine.end(), blocks.begin());
  for (int have = 1; have < ranks; have *= 2) {
    const std::size_t bytes = block * static_cast<std::size_t>(std::min(have, ranks - have));
    rounds.receive(std::span(blocks).subspan(block * static_cast<std::size_t>(have), bytes),
                   (rank + have) % ranks);
    rounds.send(std::span<const std::byte>(blocks).first(bytes), (rank - have + ranks) % ranks);
    rounds.finish();
  }
  std::rotate_copy(blocks.begin(),
                   blocks.end() - static_cast<std::ptrdiff_t>(block * static_cast<std::size_t>(rank)),
                   blocks.end(), all.begin());
}

std::vector<std::int64_t> all_gather(Communicator& comm, std::int64_t value, const char* what) {
  return all_gather_numbers(comm, value, what);
}
std::vector<double> all_gather(Communicator& comm, double value, const char* what) {
  return all_gather_numbers(comm, value, what);
}

std::vector<std::string> all_gather(Communicator& comm, const std::string& value, const char* what) {
  const auto lengths = all_gather(comm, static_cast<std::int64_t>(value.size()), what);
  Rounds rounds(comm, what);
  const int ranks = comm.size(), rank = comm.rank().value();
  std::vector<std::string> all(lengths.size());
  all[static_cast<std::size_t>(rank)] = value;
  for (int step = 1; step < ranks; ++step) {
    const auto from = static_cast<std::size_t>((rank - step + ranks) % ranks);
    all[from].resize(static_cast<std::size_t>(lengths[from]));
    rounds.receive(std::as_writable_bytes(std::span(all[from])), static_cast<int>(from));
    rounds.send(std::as_bytes(std::span(value)), (rank + step) % ranks);
  }
  rounds.finish();
  return all;
}

std::vector<std::string> gather(Communicator& comm, const std::string& value, Rank root, const char* what) {
  const auto lengths = all_gather(comm, static_cast<std::int64_t>(value.size()), what);
  Rounds rounds(comm, what);
  std::vector<std::string> all;
  if (comm.rank() != root) {
    rounds.send(std::as_bytes(std::span(value)), root.value());
  } else {
    all.resize(lengths.size());
    for (std::size_t from = 0; from < all.size(); ++from) {
      all[from].resize(static_cast<std::size_t>(lengths[from]));
      if (Rank(static_cast<int>(from)) == root)
        all[from] = value;
      else
        rounds.receive(std::as_writable_bytes(std::span(all[from])), static_cast<int>(from));
    }
  }
  rounds.finish();
  return all;
}

double all_reduce_sum(Communicator& comm, double value, const char* what) {
  const auto all = all_gather(comm, value, what);
  return std::accumulate(all.begin() + 1, all.end(), all.front());
}
std::int64_t all_reduce_sum(Communicator& comm, std::int64_t value, const char* what) {
  const auto all = all_gather(comm, value, what);
  return std::accumulate(all.begin(), all.end(), std::int64_t{0});
}
double all_reduce_max(Communicator& comm, double value, const char* what) {
  return std::ranges::max(all_gather(comm, value, what));
}
std::int64_t all_reduce_max(Communicator& comm, std::int64_t value, const char* what) {
  return std::ranges::max(all_gather(comm, value, what));
}

ExitCode agree(Communicator& comm, ExitCode mine) {
  constexpr ExitCode kBySeverity[] = {ExitCode::done,   ExitCode::requeue,   ExitCode::peer_lost,
                                      ExitCode::other,  ExitCode::bad_input, ExitCode::out_of_memory,
                                      ExitCode::corrupt};
  const auto severity = std::ranges::find(kBySeverity, mine) - std::begin(kBySeverity);
  return kBySeverity[all_reduce_max(comm, static_cast<std::int64_t>(severity), "agree on the exit code")];
}

}  // namespace kith
