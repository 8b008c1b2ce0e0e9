// Between ranks of one host rows do not travel: the sender encodes them into memory that the receiver maps
// and decodes them from there. Ranks of other hosts get messages, from the same memory.
#include "kith/comm/shared_exchange.h"
#include "kith/core/checksum.h"
#include "kith/exec/halo/message_transfer.h"
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

using Bytes = std::span<const std::byte>;

/// What a rank of this host published counts as what a message would have.
void count_published(Ledger& ledger, const ExchangeLabel& label, Rank to, double bytes, double messages) {
  const std::string counter = label.counter;
  ledger.add({counter + ".bytes", label.layer, to.value()}, bytes);
  ledger.add({counter + ".messages", label.layer, to.value()}, messages);
}

/// A part that lies in a peer's memory, or that a message brings.
struct Part {
  std::shared_ptr<const SharedExchange::Arrival> arrival;  ///< null: by message
  Bytes message;
  Bytes bytes() const { return arrival != nullptr ? arrival->bytes() : message; }
};

class SharedRows final : public HaloTransfer {
 public:
  bool progress() override { return flight.progress(); }
  void wait() override { flight.wait(); }
  std::vector<Bytes> arrived() const override {
    std::vector<Bytes> runs;
    for (const Part& part : parts) runs.push_back(part.bytes());
    return runs;
  }

  std::shared_ptr<SharedExchange::Room> room;  ///< that messages are sent from
  Buffer messages;                             ///< that arrive
  std::vector<Part> parts;                     ///< by rank
  RowExchange::InFlight flight;
};

class SharedFrames final : public HaloTransfer {
 public:
  struct Expected {
    Rank from{0};
    std::int64_t most_bytes = 0;
    FrameCheck check = FrameCheck::none;
  };
  bool progress() override {
    const bool complete = flight.progress();
    if (complete) verify();
    return complete;
  }
  void wait() override {
    flight.wait();
    verify();
  }
  std::vector<Bytes> arrived() const override {
    std::vector<Bytes> frames;
    std::size_t message = 0;
    for (const auto& arrival : arrivals)
      frames.push_back(arrival != nullptr ? arrival->bytes() : flight.frame(message++));
    return frames;
  }

  std::vector<Expected> expected;
  std::vector<std::shared_ptr<const SharedExchange::Arrival>> arrivals;  ///< null: by message
  FrameExchange::InFlight flight;

 private:
  void verify() {
    for (std::size_t i = verified_ ? arrivals.size() : 0; i < arrivals.size(); ++i)
      if (arrivals[i] != nullptr) verify(*arrivals[i], expected[i]);
    verified_ = true;
  }
  static void verify(const SharedExchange::Arrival& arrival, const Expected& expected) {
    const auto bytes = std::ssize(arrival.bytes());
    if (bytes > expected.most_bytes)
      throw CorruptError(with_facts(
          "a frame in shared memory is longer than its rows can be",
          {{"from rank", expected.from.value()}, {"bytes", bytes}, {"at most", expected.most_bytes}}));
    if (expected.check == FrameCheck::checksum && checksum_of(arrival.bytes()) != arrival.checksum())
      throw CorruptError(with_facts("the checksum of a frame in shared memory differs from what was written",
                                    {{"from rank", expected.from.value()}, {"bytes", bytes}}));
  }
  bool verified_ = false;
};

class SharedMemoryRoute final : public HaloRoute {
 public:
  SharedMemoryRoute(RowExchange& rows, FrameCheck check)
      : rows_(&rows), check_(check), frames_(rows.comm(), rows.ledger(), check), shared_(rows.comm()) {}

  std::unique_ptr<HaloTransfer> start(const Rows& rows, const Write& write) override {
    const RowCounts counts = this->counts(rows.lists, rows.backward);
    auto transfer = std::make_unique<SharedRows>();
    std::vector<RowExchange::Leaving> leaving;
    if (rows.leaving() > 0) leaving = publish(rows, counts.send, write, *transfer);
    const std::vector<RowExchange::Coming> coming = room_for(rows, counts.receive, *transfer);
    transfer->flight = rows_->start(leaving, coming, rows.label);
    for (std::size_t peer = 0, part = 0; peer < counts.receive.size(); ++peer) {
      if (counts.receive[peer] == 0) continue;
      const Rank from(static_cast<int>(peer));
      Part& arriving = transfer->parts[part++];
      if (!shared_.reaches(from)) continue;
      auto receive = shared_.start_receive(from, rows.label.what);
      arriving.arrival = std::move(receive.arrival);
      transfer->flight.also_wait_for(std::move(receive.pending), counts.receive[peer] * rows.row_bytes);
    }
    return transfer;
  }

  std::unique_ptr<HaloTransfer> start_frames(std::span<const FrameExchange::Parcel> parcels,
                                             std::span<const FrameExchange::Expected> expected,
                                             ExchangeLabel label) override {
    auto transfer = std::make_unique<SharedFrames>();
    std::vector<FrameExchange::Expected> by_message;
    for (const FrameExchange::Expected& frame : expected)
      if (!shared_.reaches(frame.peer)) by_message.push_back(frame);
    transfer->flight = frames_.start(publish(parcels, label), by_message, label);
    for (const FrameExchange::Expected& frame : expected) {
      transfer->expected.push_back({frame.peer, frame.most_bytes, check_});
      auto& arrival = transfer->arrivals.emplace_back();
      if (!shared_.reaches(frame.peer)) continue;
      auto receive = shared_.start_receive(frame.peer, label.what);
      arrival = std::move(receive.arrival);
      transfer->flight.also_wait_for(std::move(receive.pending));
    }
    return transfer;
  }

 private:
  /// Writes the rows that leave into shared memory; those that messages are to bring are returned.
  std::vector<RowExchange::Leaving> publish(const Rows& rows, const std::vector<std::int64_t>& counts,
                                            const Write& write, SharedRows& transfer) {
    const auto room = shared_.room(static_cast<std::size_t>(rows.leaving() * rows.row_bytes));
    const std::span<std::byte> wire = SharedExchange::bytes_of(*room);
    write(wire.data());
    std::vector<RowExchange::Leaving> messages;
    std::size_t begin = 0;
    for (std::size_t peer = 0; peer < counts.size(); ++peer) {
      const std::span<std::byte> part =
          wire.subspan(begin, static_cast<std::size_t>(counts[peer] * rows.row_bytes));
      begin += part.size();
      if (counts[peer] == 0) continue;
      const Rank to(static_cast<int>(peer));
      if (!shared_.reaches(to)) {
        messages.push_back({to, part, counts[peer]});
        continue;
      }
      shared_.publish(room, to, part, 0, rows.label.what);
      count_published(rows_->ledger(), rows.label, to, static_cast<double>(part.size()), 1);
      rows_->ledger().add({std::string(rows.label.counter) + ".rows", rows.label.layer, to.value()},
                          static_cast<double>(counts[peer]));
    }
    if (!messages.empty()) transfer.room = room;
    return messages;
  }

  /// A part for each rank with rows, and the messages among them.
  std::vector<RowExchange::Coming> room_for(const Rows& rows, const std::vector<std::int64_t>& counts,
                                            SharedRows& transfer) const {
    const auto by_message = [&](std::size_t peer) {
      return counts[peer] > 0 && !shared_.reaches(Rank(static_cast<int>(peer)));
    };
    std::int64_t messages = 0;
    for (std::size_t peer = 0; peer < counts.size(); ++peer) messages += by_message(peer) ? counts[peer] : 0;
    transfer.messages = Buffer(static_cast<std::size_t>(messages * rows.row_bytes));
    std::span<std::byte> rest{transfer.messages.data(), transfer.messages.bytes()};
    std::vector<RowExchange::Coming> coming;
    for (std::size_t peer = 0; peer < counts.size(); ++peer) {
      if (counts[peer] == 0) continue;
      Part& part = transfer.parts.emplace_back();
      if (!by_message(peer)) continue;
      const auto bytes = rest.first(static_cast<std::size_t>(counts[peer] * rows.row_bytes));
      rest = rest.subspan(bytes.size());
      part.message = bytes;
      coming.push_back({Rank(static_cast<int>(peer)), bytes});
    }
    return coming;
  }

  /// Copies the frames for ranks of this host into shared memory; the others are returned.
  std::vector<FrameExchange::Parcel> publish(std::span<const FrameExchange::Parcel> parcels,
                                             const ExchangeLabel& label) {
    std::vector<FrameExchange::Parcel> messages;
    std::size_t total = 0;
    for (const FrameExchange::Parcel& parcel : parcels) {
      if (shared_.reaches(parcel.peer))
        total += parcel.bytes.size();
      else
        messages.push_back(parcel);
    }
    if (messages.size() == parcels.size()) return messages;
    const auto room = shared_.room(total);
    std::span<std::byte> rest = SharedExchange::bytes_of(*room);
    for (const FrameExchange::Parcel& parcel : parcels) {
      if (!shared_.reaches(parcel.peer)) continue;
      const std::span<std::byte> part = rest.first(parcel.bytes.size());
      rest = rest.subspan(part.size());
      std::copy(parcel.bytes.begin(), parcel.bytes.end(), part.begin());
      const std::uint64_t sum = check_ == FrameCheck::checksum ? checksum_of(part) : 0;
      shared_.publish(room, parcel.peer, part, sum, label.what);
      // Its length, and its checksum, go with the note of where it lies.
      count_published(
          rows_->ledger(), label, parcel.peer,
          static_cast<double>(part.size()) + static_cast<double>(FrameExchange::preamble_bytes(check_)),
          part.empty() ? 1 : 2);
    }
    return messages;
  }

  RowExchange* rows_;
  FrameCheck check_;
  FrameExchange frames_;
  SharedExchange shared_;
};

}  // namespace

std::unique_ptr<HaloRoute> shared_memory(RowExchange& rows, FrameCheck check) {
  return std::make_unique<SharedMemoryRoute>(rows, check);
}

}  // namespace kith::halo
