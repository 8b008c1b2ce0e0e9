// Between hosts a row that several ranks of a host need is sent once: to one of them, the gateway, which
// receives it into memory that they all map and publishes where it lies. Within a host rows are read where
// they were encoded, as by shared memory alone. Backward every rank returns its own gradients: a gateway that
// added them would round the sums once more. What owners make for one destination only one rank needs.
#include <map>
#include <string>
#include <utility>

#include "kith/core/buffer.h"
#include "kith/exec/halo/host_plan.h"
#include "kith/exec/halo/values.h"
#include "kith/kernels/rows.h"

namespace kith::halo {
namespace {

using Bytes = std::span<const std::byte>;

class TwoLevelRows final : public HaloTransfer {
 public:
  struct Part {
    const HostPlan::Coming* coming = nullptr;
    std::shared_ptr<const SharedExchange::Arrival> arrival{};  ///< null: in `room`
    std::shared_ptr<SharedExchange::Room> room{};
    Bytes bytes() const { return arrival != nullptr ? arrival->bytes() : SharedExchange::bytes_of(*room); }
  };
  explicit TwoLevelRows(std::int64_t row_bytes) : row_bytes_(row_bytes) {}
  bool progress() override { return flight.progress(); }
  void wait() override {
    flight.wait();
    if (!std::exchange(picked_, true)) pick();
  }
  std::vector<Bytes> arrived() const override { return runs_; }

  std::shared_ptr<SharedExchange::Room> room;  ///< that messages are sent from
  std::vector<Part> parts;                     ///< by sender
  RowExchange::InFlight flight;

 private:
  /// Of rows that this rank shares with others, its own.
  void pick() {
    std::int64_t rows = 0;
    for (const Part& part : parts) rows += part.coming->places.empty() ? 0 : part.coming->needed;
    needed_ = Buffer(static_cast<std::size_t>(rows * row_bytes_));
    std::byte* place = needed_.data();
    for (const Part& part : parts) {
      if (part.coming->places.empty()) {
        runs_.push_back(part.bytes());
        continue;
      }
      gather_bytes(Cpu{}, part.bytes().data(), row_bytes_, part.coming->places, place);
      runs_.emplace_back(place, static_cast<std::size_t>(part.coming->needed * row_bytes_));
      place += runs_.back().size();
    }
  }

  std::int64_t row_bytes_;
  Buffer needed_;
  std::vector<Bytes> runs_;
  bool picked_ = false;
};

class TwoLevel final : public HaloRoute {
 public:
  TwoLevel(RowExchange& rows, FrameCheck check)
      : rows_(&rows), shared_(rows.comm()), within_(shared_memory(rows, check)) {}

  std::span<const std::int32_t> written(const HaloLists& lists) override { return plan(lists).written; }
  void forget() override { plans_.clear(); }

  RowCounts counts(const HaloLists& lists, bool backward) override {
    if (backward) return within_->counts(lists, true);
    RowCounts counts{.send = std::vector<std::int64_t>(lists.counts.send.size(), 0),
                     .receive = std::vector<std::int64_t>(lists.counts.send.size(), 0)};
    const HostPlan& plan = this->plan(lists);
    for (const HostPlan::Leaving& rows : plan.leaving) counts.send[rows.to.value()] += rows.rows;
    for (const HostPlan::Coming& rows : plan.coming) {
      const bool gateway = rows.gateway == rows_->comm().rank();
      counts.receive[(gateway ? rows.sender : rows.gateway).value()] += gateway ? rows.rows : rows.needed;
      for (const auto& [reader, needed] : rows.readers) counts.send[reader.value()] += needed;
    }
    return counts;
  }

  // Of what lies together for each rank nothing is shared, so its rows are those of shared memory.
  std::unique_ptr<HaloTransfer> start(const Rows& rows, const Write& write) override {
    if (rows.backward || rows.in_pieces) return within_->start(rows, write);
    const HostPlan& plan = this->plan(rows.lists);
    auto transfer = std::make_unique<TwoLevelRows>(rows.row_bytes);
    std::vector<RowExchange::Leaving> messages;
    if (!plan.written.empty()) messages = publish(plan, rows, write, *transfer);
    transfer->flight = rows_->start(messages, {}, rows.label);
    for (const HostPlan::Coming& coming : plan.coming) transfer->parts.push_back({.coming = &coming});
    // In the order in which this host's ranks publish: what is their own, then what came for all.
    for (TwoLevelRows::Part& part : transfer->parts)
      if (part.coming->gateway == part.coming->sender) receive(part, rows, *transfer);
    for (TwoLevelRows::Part& part : transfer->parts)
      if (part.coming->gateway != part.coming->sender) receive(part, rows, *transfer);
    count_published(rows);
    return transfer;
  }

 private:
  const HostPlan& plan(const HaloLists& lists) {
    const auto found = plans_.find(&lists);
    if (found != plans_.end()) return found->second;
    return plans_.emplace(&lists, host_plan(*rows_, shared_, lists)).first->second;
  }

  std::vector<RowExchange::Leaving> publish(const HostPlan& plan, const Rows& rows, const Write& write,
                                            TwoLevelRows& transfer) {
    const auto room = shared_.room(plan.written.size() * static_cast<std::size_t>(rows.row_bytes));
    const std::span<std::byte> wire = SharedExchange::bytes_of(*room);
    write(wire.data());
    std::vector<RowExchange::Leaving> messages;
    for (const HostPlan::Leaving& leaving : plan.leaving) {
      const auto part = wire.subspan(static_cast<std::size_t>(leaving.begin * rows.row_bytes),
                                     static_cast<std::size_t>(leaving.rows * rows.row_bytes));
      if (shared_.reaches(leaving.to))
        shared_.publish(room, leaving.to, part, 0, rows.label.what);
      else
        messages.push_back({leaving.to, part, leaving.rows});
    }
    if (!messages.empty()) transfer.room = room;
    return messages;
  }

  void receive(TwoLevelRows::Part& part, const Rows& rows, TwoLevelRows& transfer) {
    const HostPlan::Coming& coming = *part.coming;
    const std::int64_t bytes = coming.rows * rows.row_bytes;
    if (coming.gateway != rows_->comm().rank()) {
      auto receive = shared_.start_receive(coming.gateway, rows.label.what);
      part.arrival = std::move(receive.arrival);
      return transfer.flight.also_wait_for(std::move(receive.pending), bytes);
    }
    part.room = shared_.room(static_cast<std::size_t>(bytes));
    std::vector<Rank> readers;
    for (const auto& [reader, needed] : coming.readers) readers.push_back(reader);
    transfer.flight.also_wait_for(shared_.start_forward(coming.sender, part.room, readers, rows.label.what),
                                  bytes);
  }

  /// What is read from this rank's memory counts as a message to each reader, of the rows that it needs.
  void count_published(const Rows& rows) {
    const RowCounts counts = this->counts(rows.lists, false);
    for (std::size_t peer = 0; peer < counts.send.size(); ++peer) {
      const Rank to(static_cast<int>(peer));
      if (counts.send[peer] == 0 || !shared_.reaches(to)) continue;
      const std::string counter = rows.label.counter;
      const auto add = [&](const char* what, std::int64_t amount) {
        rows_->ledger().add({counter + what, rows.label.layer, to.value()}, static_cast<double>(amount));
      };
      add(".bytes", counts.send[peer] * rows.row_bytes);
      add(".rows", counts.send[peer]);
      add(".messages", 1);
    }
  }

  RowExchange* rows_;
  SharedExchange shared_;
  std::unique_ptr<HaloRoute> within_;
  std::map<const HaloLists*, HostPlan> plans_;
};

}  // namespace

std::unique_ptr<HaloRoute> two_level(RowExchange& rows, FrameCheck check) {
  return std::make_unique<TwoLevel>(rows, check);
}

}  // namespace kith::halo
