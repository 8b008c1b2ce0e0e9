// The sum over ranks that share memory, segment by segment so that what one rank writes another reads from
// its cache:
//   copy   each rank puts its values of the segment into its slot;
//   fold   rank p adds piece p of all slots in rank order, into its values and over piece p of its own slot;
//   read   each rank takes the other pieces from where they were added.
// Two ranks each add everything in `fold`, which saves `read`. The stages of neighbouring segments overlap as
// far as the ring of slots allows: a slot is free again when every rank has passed `read`.
#include "kith/comm/shared_all_reduce.h"

#include <algorithm>
#include <cstring>

#include "kith/comm/internal_messages.h"

namespace kith {

namespace {

template <class T>
class SharedAllReduce final : public Collective {
 public:
  SharedAllReduce(Communicator& comm, SharedScratch& scratch, std::span<T> values, const char* what)
      : Collective(what),
        scratch_(scratch),
        values_(values),
        ranks_(comm.size()),
        rank_(comm.rank().value()) {
    first_ = scratch.reserve(static_cast<std::int64_t>((values.size() + kElements - 1) / kElements));
    end_ = first_ + static_cast<std::int64_t>((values.size() + kElements - 1) / kElements);
  }
  ~SharedAllReduce() override { retire(); }

  std::string describe() const override {
    return "all-reduce of " + std::to_string(values_.size_bytes()) + " bytes";
  }
  /// Those that are behind this rank, or in the last place those that it cannot overtake.
  std::vector<Rank> waiting_for() const override {
    std::vector<Rank> behind;
    const std::int64_t mine = own().copied.load(std::memory_order_acquire);
    for (int r = 0; r < ranks_; ++r) {
      const auto& theirs = scratch_.passed(r);
      if (r != rank_ && (theirs.copied.load(std::memory_order_acquire) < mine ||
                         theirs.read.load(std::memory_order_acquire) <= mine - SharedScratch::kSlots ||
                         theirs.folded.load(std::memory_order_acquire) < own().folded.load()))
        behind.push_back(Rank(r));
    }
    return behind;
  }
  std::int64_t steps_done() const override { return steps_; }

 private:
  using Passed = SharedScratch::Passed;
  using Counter = std::atomic<std::int64_t> Passed::*;
  static constexpr std::size_t kElements = SharedScratch::kSegmentBytes / sizeof(T);

  bool advance() override {
    for (bool moved = true; moved;) {
      moved = copy();
      moved |= fold();
      moved |= ranks_ > 2 && read();
      steps_ += moved ? 1 : 0;
    }
    return own().read.load(std::memory_order_relaxed) >= end_;
  }

  /// The next segment of a stage, or −1 when it belongs to another collective or the stage before is not yet
  /// there.
  std::int64_t next(Counter counter, Counter needed, std::int64_t ahead) const {
    const std::int64_t segment = (own().*counter).load(std::memory_order_relaxed);
    if (segment < first_ || segment >= end_) return -1;
    for (int r = 0; r < ranks_; ++r)
      if ((scratch_.passed(r).*needed).load(std::memory_order_acquire) <= segment - ahead) return -1;
    return segment;
  }

  bool copy() {
    const std::int64_t segment = next(&Passed::copied, &Passed::read, SharedScratch::kSlots);
    if (segment < 0) return false;
    const auto part = values_of(segment);
    std::memcpy(scratch_.slot(rank_, segment), part.data(), part.size_bytes());
    own().copied.store(segment + 1, std::memory_order_release);
    return true;
  }

  bool fold() {
    const std::int64_t segment = next(&Passed::folded, &Passed::copied, 0);
    if (segment < 0) return false;
    const auto part = values_of(segment);
    const bool everything = ranks_ == 2;
    const std::size_t begin = everything ? 0 : piece_begin(part.size(), rank_);
    const std::size_t end = everything ? part.size() : piece_begin(part.size(), rank_ + 1);
    T* sum = part.data();
    add_two(sum, slot(0, segment), slot(1, segment), begin, end);
    for (int r = 2; r < ranks_; ++r) add_two(sum, sum, slot(r, segment), begin, end);
    if (!everything) std::copy(sum + begin, sum + end, slot(rank_, segment) + begin);
    own().folded.store(segment + 1, std::memory_order_release);
    if (everything) own().read.store(segment + 1, std::memory_order_release);
    return true;
  }

  bool read() {
    const std::int64_t segment = next(&Passed::read, &Passed::folded, 0);
    if (segment < 0) return false;
    const auto part = values_of(segment);
    for (int r = 0; r < ranks_; ++r)
      if (r != rank_)
        std::copy(slot(r, segment) + piece_begin(part.size(), r),
                  slot(r, segment) + piece_begin(part.size(), r + 1),
                  part.data() + piece_begin(part.size(), r));
    own().read.store(segment + 1, std::memory_order_release);
    return true;
  }

  static void add_two(T* sum, const T* x, const T* y, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) sum[i] = x[i] + y[i];
  }
  std::size_t piece_begin(std::size_t elements, int r) const {
    constexpr std::size_t kLine = 64 / sizeof(T);
    const std::size_t ranks = static_cast<std::size_t>(ranks_);
    const std::size_t whole = ((elements + ranks - 1) / ranks + kLine - 1) / kLine * kLine;
    return std::min(elements, whole * static_cast<std::size_t>(r));
  }
  std::span<T> values_of(std::int64_t segment) const {
    const std::size_t begin = static_cast<std::size_t>(segment - first_) * kElements;
    return values_.subspan(begin, std::min(kElements, values_.size() - begin));
  }
  T* slot(int r, std::int64_t segment) const { return reinterpret_cast<T*>(scratch_.slot(r, segment)); }
  Passed& own() const { return scratch_.passed(rank_); }

  SharedScratch& scratch_;
  std::span<T> values_;
  int ranks_;
  int rank_;
  std::int64_t first_ = 0;
  std::int64_t end_ = 0;
  std::int64_t steps_ = 0;
};

}  // namespace

Pending start_shared_all_reduce(Communicator& comm, SharedScratch& scratch, std::span<float> values,
                                const char* what) {
  return std::make_unique<SharedAllReduce<float>>(comm, scratch, values, what);
}
Pending start_shared_all_reduce(Communicator& comm, SharedScratch& scratch, std::span<double> values,
                                const char* what) {
  return std::make_unique<SharedAllReduce<double>>(comm, scratch, values, what);
}

}  // namespace kith
