#pragma once
#include <memory>
#include <span>
#include <vector>

#include "kith/comm/communicator.h"
#include "kith/comm/shared_memory.h"

namespace kith {

struct SharedNote;
struct SharedLanes;
class SharedRoom;

/// Bytes that cross between ranks of one host without being copied: a rank writes them into memory that the
/// others map and publishes where they lie, the reader takes them from there and says when it is done. No
/// message is sent. A rank's memory grows to what is under way at once and is used again.
///
/// Between two ranks what is published arrives in order. Up to kNotes may be published and not yet read.
class SharedExchange {
 public:
  static constexpr std::int64_t kNotes = 128;

  /// Finds out which ranks share memory. Collective. The communicator must outlive it.
  explicit SharedExchange(Communicator& comm);
  /// Waits until nobody reads this rank's memory, unless an exception is under way.
  ~SharedExchange();
  SharedExchange(const SharedExchange&) = delete;
  SharedExchange& operator=(const SharedExchange&) = delete;

  /// Whether this rank and another have memory in common.
  bool reaches(Rank peer) const;
  /// The lowest of the ranks that share memory with a rank, itself where there is none: the same on all
  /// ranks.
  int group_of(Rank rank) const;

  /// Memory of this rank that others may read. It is used again when all to whom it was published are done
  /// with it, and nobody holds the room.
  using Room = SharedRoom;
  /// Throws MemoryError.
  std::shared_ptr<Room> room(std::size_t bytes);
  static std::span<std::byte> bytes_of(const Room& room);
  /// Lets a rank read a part of the room, all of whose bytes are written.
  void publish(const std::shared_ptr<Room>& room, Rank to, std::span<const std::byte> part,
               std::uint64_t checksum, const char* what);

  /// What a rank published for this one. When it goes the publisher may use its memory again.
  class Arrival {
   public:
    ~Arrival();
    /// Once waited for.
    std::span<const std::byte> bytes() const { return bytes_; }
    std::uint64_t checksum() const { return checksum_; }

   private:
    friend class SharedExchange;
    Rank from_{0};
    std::int64_t number_ = 0;
    SharedNote* note_ = nullptr;
    std::shared_ptr<SharedLanes> lanes_;
    std::shared_ptr<SharedMemory> memory_;
    std::span<const std::byte> bytes_;
    std::uint64_t checksum_ = 0;
  };
  struct Receive {
    std::shared_ptr<const Arrival> arrival;
    Pending pending;
  };
  /// The next part that a rank publishes for this one.
  Receive start_receive(Rank from, const char* what);

  /// Receives a message of the room's size and, when it has come, publishes all of it to these ranks; they
  /// may start to wait for it now.
  Pending start_forward(Rank from, const std::shared_ptr<Room>& room, std::span<const Rank> readers,
                        const char* what);

 private:
  class Wait;
  class Readers;
  class Forward;
  void wait_for_readers();

  Communicator* comm_;
  std::shared_ptr<SharedLanes> lanes_;
  std::vector<std::shared_ptr<Room>> rooms_;
};

}  // namespace kith
