// The sum over all ranks. Deterministic: element i is ((x₀ + x₁) + x₂) + … in rank order, whoever adds it, so
// every rank and every run has the same bits. Two shapes:
//   direct  every rank sends all to all and adds for itself: one round. For short vectors, and for two ranks,
//   where
//           it moves no more bytes than the other;
//   pieces  rank p adds piece p of everybody (reduce-scatter), then sends its sum to everybody (all-gather):
//           2 (P−1)/P · bytes per rank, which is the least possible, in two rounds.
// Ranks that share memory add longer vectors there instead (shared_all_reduce.cc), in the same order.
#include <algorithm>

#include "kith/comm/internal_messages.h"
#include "kith/comm/shared_all_reduce.h"
#include "kith/core/buffer.h"
#include "kith/core/device_memory.h"

namespace kith {

namespace {

constexpr std::size_t kDirectBytes = 4096;
constexpr std::size_t kFoldBlock = 2048;

template <class T>
class AllReduceSum final : public Collective {
 public:
  AllReduceSum(Communicator& comm, std::span<T> values, const char* what)
      : Collective(what), comm_(comm), values_(values), tag_(InternalMessages::next_collective_tag(comm)) {
    const int ranks = comm.size();
    if (ranks == 1 || values.empty()) {
      round_ = Round::done;
      return;
    }
    direct_ = ranks == 2 || values.size_bytes() <= kDirectBytes;
    begin_ = direct_ ? 0 : piece_begin(rank());
    count_ = direct_ ? values.size() : piece_begin(rank() + 1) - begin_;
    const UseMemory host(nullptr);
    arrivals_ = Buffer(count_ * sizeof(T) * static_cast<std::size_t>(ranks - 1));
    for (int step = 1; step < ranks; ++step) {
      receive(arrival((rank() - step + ranks) % ranks), (rank() - step + ranks) % ranks);
      const int to = (rank() + step) % ranks;
      send(direct_ ? values_ : piece(to), to);
    }
  }

  ~AllReduceSum() override { retire(); }

  std::string describe() const override {
    return "all-reduce of " + std::to_string(values_.size_bytes()) + " bytes";
  }
  std::vector<Rank> waiting_for() const override {
    std::vector<Rank> ranks;
    for (const Pending& message : messages_)
      for (const Rank rank : message->waiting_for()) ranks.push_back(rank);
    return ranks;
  }
  std::int64_t steps_done() const override { return steps_; }

 private:
  enum class Round { gather, spread, done };

  bool advance() override {
    if (round_ == Round::done || !messages_arrived()) return round_ == Round::done;
    if (round_ == Round::gather) {
      fold();
      round_ = direct_ ? Round::done : Round::spread;
      if (!direct_) spread();
    } else {
      round_ = Round::done;
    }
    if (round_ == Round::done) arrivals_ = {};
    return round_ == Round::done;
  }

  bool messages_arrived() {
    const auto before = messages_.size();
    std::erase_if(messages_, [](const Pending& message) { return message->test(); });
    steps_ += static_cast<std::int64_t>(before - messages_.size());
    return messages_.empty();
  }

  void spread() {
    const int ranks = comm_.size();
    for (int step = 1; step < ranks; ++step) {
      const int from = (rank() - step + ranks) % ranks;
      receive(piece(from), from);
      send(piece(rank()), (rank() + step) % ranks);
    }
  }

  /// Adds the arrivals and the own values in rank order, block by block so that the block stays in cache.
  void fold() {
    T sum[kFoldBlock];
    for (std::size_t first = 0; first < count_; first += kFoldBlock) {
      const std::size_t length = std::min(kFoldBlock, count_ - first);
      std::copy_n(contribution(0).data() + first, length, sum);
      for (int from = 1; from < comm_.size(); ++from) {
        const T* x = contribution(from).data() + first;
        for (std::size_t i = 0; i < length; ++i) sum[i] += x[i];
      }
      std::copy_n(sum, length, values_.data() + begin_ + first);
    }
  }

  int rank() const { return comm_.rank().value(); }
  std::size_t piece_begin(int p) const {
    const auto ranks = static_cast<std::size_t>(comm_.size());
    const std::size_t whole = (values_.size() + ranks - 1) / ranks;
    return std::min(values_.size(), whole * static_cast<std::size_t>(p));
  }
  std::span<T> piece(int p) const {
    return values_.subspan(piece_begin(p), piece_begin(p + 1) - piece_begin(p));
  }
  std::span<T> arrival(int from) const {
    const auto slot = static_cast<std::size_t>(from < rank() ? from : from - 1);
    return {reinterpret_cast<T*>(arrivals_.data()) + slot * count_, count_};
  }
  std::span<const T> contribution(int from) const {
    return from == rank() ? values_.subspan(begin_, count_) : arrival(from);
  }
  void send(std::span<const T> values, int to) {
    if (!values.empty())
      messages_.push_back(
          InternalMessages::send(comm_, std::as_bytes(values), Rank(to), tag_, what().c_str()));
  }
  void receive(std::span<T> values, int from) {
    if (!values.empty())
      messages_.push_back(
          InternalMessages::receive(comm_, std::as_writable_bytes(values), Rank(from), tag_, what().c_str()));
  }

  Communicator& comm_;
  std::span<T> values_;
  int tag_;
  bool direct_ = true;
  Round round_ = Round::gather;
  std::size_t begin_ = 0;  // of the elements this rank adds
  std::size_t count_ = 0;
  Buffer arrivals_;
  std::vector<Pending> messages_;
  std::int64_t steps_ = 0;
};

template <class T>
Pending start(Communicator& comm, std::span<T> values, const char* what) {
  SharedScratch* scratch = values.size_bytes() > kDirectBytes ? InternalMessages::scratch(comm) : nullptr;
  Pending sum = scratch != nullptr ? start_shared_all_reduce(comm, *scratch, values, what)
                                   : std::make_unique<AllReduceSum<T>>(comm, values, what);
  return InternalMessages::logged(comm, std::move(sum), "all-reduce",
                                  static_cast<std::int64_t>(values.size_bytes()), -1);
}

}  // namespace

Pending Communicator::start_all_reduce_sum(std::span<float> values, const char* what) {
  if (device_memory() != nullptr && device_memory()->holds(values.data()))
    return logged(sum_on_device(values, what), "all-reduce", static_cast<std::int64_t>(values.size_bytes()),
                  -1);
  return start(*this, values, what);
}
Pending Communicator::start_all_reduce_sum(std::span<double> values, const char* what) {
  return start(*this, values, what);
}

void all_reduce_sum(Communicator& comm, std::span<float> values, const char* what) {
  comm.wait(comm.start_all_reduce_sum(values, what));
}
void all_reduce_sum(Communicator& comm, std::span<double> values, const char* what) {
  comm.wait(comm.start_all_reduce_sum(values, what));
}

}  // namespace kith
