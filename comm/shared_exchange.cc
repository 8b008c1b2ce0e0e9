#include "kith/comm/shared_exchange.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <exception>
#include <optional>

#include "kith/comm/internal_messages.h"
#include "kith/comm/shared_lanes.h"
#include "kith/core/buffer.h"

namespace kith {
namespace {

/// Few sizes, so that rooms fit again.
std::size_t room_bytes(std::size_t bytes) {
  return bytes < Buffer::kLarge ? std::bit_ceil(std::max<std::size_t>(bytes, 4096))
                                : Buffer::block_bytes(bytes);
}

}  // namespace

/// Until a part is there.
class SharedExchange::Wait final : public Operation {
 public:
  Wait(Communicator& comm, std::shared_ptr<Arrival> arrival, const char* what)
      : Operation(what), comm_(comm), arrival_(std::move(arrival)) {}
  std::string describe() const override { return "read of shared memory"; }
  std::vector<Rank> waiting_for() const override { return {arrival_->from_}; }

 protected:
  bool poll() override {
    if (!published()) {
      if (!InternalMessages::peer_ended(comm_, arrival_->from_)) return false;
      if (!published())
        throw PeerError("'" + what() + "': rank " + std::to_string(arrival_->from_.value()) +
                        " ended without publishing what rank " + std::to_string(comm_.rank().value()) +
                        " waits for");
    }
    const SharedNote& note = *arrival_->note_;
    arrival_->memory_ = arrival_->lanes_->memory_of(arrival_->from_, note);
    if (arrival_->memory_ == nullptr) return unmapped();
    arrival_->bytes_ = {arrival_->memory_->data() + note.offset, static_cast<std::size_t>(note.bytes)};
    arrival_->checksum_ = note.checksum;
    return true;
  }

 private:
  /// The memory of a rank that fails goes before all know that it failed.
  bool unmapped() {
    InternalMessages::peer_ended(comm_, arrival_->from_);
    const auto now = std::chrono::steady_clock::now();
    if (!unmapped_since_) unmapped_since_ = now;
    if (now - *unmapped_since_ > std::chrono::seconds(2))
      throw PeerError("'" + what() + "': the memory that rank " + std::to_string(arrival_->from_.value()) +
                      " shares cannot be mapped");
    return false;
  }
  bool published() const {
    return arrival_->note_->published.load(std::memory_order_acquire) == arrival_->number_;
  }
  Communicator& comm_;
  std::shared_ptr<Arrival> arrival_;
  std::optional<std::chrono::steady_clock::time_point> unmapped_since_;
};

/// Until notes have been read.
class SharedExchange::Readers final : public Operation {
 public:
  Readers(Communicator& comm, std::vector<Room::Use> uses, const char* what)
      : Operation(what), comm_(comm), uses_(std::move(uses)) {}
  std::string describe() const override { return "shared memory that is still read"; }
  std::vector<Rank> waiting_for() const override {
    std::vector<Rank> ranks;
    for (const Room::Use& use : uses_) ranks.push_back(use.reader);
    return ranks;
  }
  std::int64_t steps_done() const override { return done_; }

 protected:
  bool poll() override {
    done_ += static_cast<std::int64_t>(std::erase_if(uses_, [&](const Room::Use& use) {
      if (use.note->read.load(std::memory_order_acquire) >= use.number) return true;
      return InternalMessages::peer_ended(comm_, use.reader);
    }));
    return uses_.empty();
  }

 private:
  Communicator& comm_;
  std::vector<Room::Use> uses_;
  std::int64_t done_ = 0;
};

SharedExchange::SharedExchange(Communicator& comm)
    : comm_(&comm), lanes_(std::make_shared<SharedLanes>(comm)) {}

// After a failure nobody is waited for. A reader has the memory mapped, whatever becomes of the writer.
SharedExchange::~SharedExchange() {
  if (std::uncaught_exceptions() > 0) return;
  try {
    wait_for_readers();
  } catch (const Error&) {
    return;
  }
}

void SharedExchange::wait_for_readers() {
  std::vector<Room::Use> uses;
  for (const auto& room : rooms_)
    if (!room->unread()) uses.insert(uses.end(), room->uses.begin(), room->uses.end());
  if (!uses.empty())
    comm_->wait(std::make_unique<Readers>(*comm_, std::move(uses), "the last reads of shared memory"));
}

bool SharedExchange::reaches(Rank peer) const { return lanes_->place[peer.value()] >= 0; }

std::span<std::byte> SharedExchange::bytes_of(const Room& room) { return {room.memory->data(), room.asked}; }

std::shared_ptr<SharedExchange::Room> SharedExchange::room(std::size_t bytes) {
  std::shared_ptr<Room>* best = nullptr;
  for (auto& room : rooms_) {
    const std::size_t size = room->memory->bytes();
    if (size < bytes || (best != nullptr && (*best)->memory->bytes() <= size)) continue;
    if (room.use_count() == 1 && room->unread()) best = &room;
  }
  if (best == nullptr) {
    const std::size_t whole = room_bytes(bytes);
    auto memory = SharedMemory::make(whole);
    if (memory == nullptr)
      throw MemoryError(
          with_facts("rows for other ranks do not fit in this host's shared memory", {{"bytes", whole}}));
    best = &rooms_.emplace_back(std::make_shared<Room>(std::move(memory)));
  }
  (*best)->asked = bytes;
  return *best;
}

void SharedExchange::publish(const std::shared_ptr<Room>& room, Rank to, std::span<const std::byte> part,
                             std::uint64_t checksum, const char* what) {
  const Rank self = comm_->rank();
  const std::int64_t number = lanes_->reserve(to);
  if (lanes_->publish(*room, self, to, number, part, checksum)) return;
  const SharedNote& note = lanes_->note(self.value(), to.value(), number);
  comm_->wait(std::make_unique<Readers>(*comm_, std::vector<Room::Use>{{&note, number - kNotes, to}}, what));
  lanes_->publish(*room, self, to, number, part, checksum);
}

int SharedExchange::group_of(Rank rank) const { return lanes_->group[rank.value()]; }

/// A message, then its publication.
class SharedExchange::Forward final : public Collective {
 public:
  struct Notes {
    std::shared_ptr<SharedLanes> lanes;
    std::shared_ptr<Room> room;
  };
  Forward(Communicator& comm, Notes notes, Rank from, std::span<const Rank> readers, const char* what)
      : Collective(what), self_(comm.rank()), from_(from), notes_(std::move(notes)) {
    for (const Rank reader : readers) open_.emplace_back(reader, notes_.lanes->reserve(reader));
    message_ = InternalMessages::receive(comm, bytes_of(*notes_.room), from, InternalMessages::kRowTag, what);
  }
  ~Forward() override { retire(); }
  std::string describe() const override { return "message for the ranks of a host"; }
  std::vector<Rank> waiting_for() const override {
    if (message_ != nullptr) return {from_};
    std::vector<Rank> ranks;
    for (const auto& [reader, number] : open_) ranks.push_back(reader);
    return ranks;
  }
  std::int64_t steps_done() const override { return message_ == nullptr ? 1 : 0; }

 private:
  bool advance() override {
    if (message_ != nullptr) {
      if (!message_->test()) return false;
      message_.reset();
    }
    std::erase_if(open_, [&](const auto& reader) {
      return notes_.lanes->publish(*notes_.room, self_, reader.first, reader.second, bytes_of(*notes_.room),
                                   0);
    });
    return open_.empty();
  }

  Rank self_, from_;
  Notes notes_;
  std::vector<std::pair<Rank, std::int64_t>> open_;  ///< readers to whom it is not published yet
  Pending message_;
};

Pending SharedExchange::start_forward(Rank from, const std::shared_ptr<Room>& room,
                                      std::span<const Rank> readers, const char* what) {
  const auto bytes = std::ssize(bytes_of(*room));
  auto forward = std::make_unique<Forward>(*comm_, Forward::Notes{lanes_, room}, from, readers, what);
  return InternalMessages::logged(*comm_, std::move(forward), "receive", bytes, from.value());
}

SharedExchange::Receive SharedExchange::start_receive(Rank from, const char* what) {
  auto arrival = std::make_shared<Arrival>();
  arrival->from_ = from;
  arrival->number_ = ++lanes_->expected[from.value()];
  arrival->note_ = &lanes_->note(from.value(), comm_->rank().value(), arrival->number_);
  arrival->lanes_ = lanes_;
  Pending pending = InternalMessages::logged(*comm_, std::make_unique<Wait>(*comm_, arrival, what),
                                             "read of shared memory", 0, from.value());
  return {std::move(arrival), std::move(pending)};
}

SharedExchange::Arrival::~Arrival() {
  if (memory_ != nullptr) note_->read.store(number_, std::memory_order_release);
}

}  // namespace kith
