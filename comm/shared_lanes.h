#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "kith/comm/shared_exchange.h"

namespace kith {

/// What a writer says of one part. Numbers count from 1.
struct SharedNote {
  alignas(64) std::atomic<std::int64_t> published;
  std::int64_t file, file_bytes, offset, bytes;
  std::uint64_t checksum;
  alignas(64) std::atomic<std::int64_t> read;
};

struct SharedLanes {
  static constexpr std::size_t kHeaderBytes = 128;  ///< the nonce: proof that the memory is this job's

  explicit SharedLanes(Communicator& comm);
  /// The lane from one rank to another, of this host.
  SharedNote& note(int from, int to, std::int64_t number) const {
    const auto lane = static_cast<std::int64_t>(place[from]) * std::ssize(members) + place[to];
    return reinterpret_cast<SharedNote*>(
        control->data() + kHeaderBytes)[lane * SharedExchange::kNotes + number % SharedExchange::kNotes];
  }
  /// The number of what is published to a rank next; where it lies may be said later.
  std::int64_t reserve(Rank to) { return ++sent[to.value()]; }
  /// False while the note's last use is not read yet.
  bool publish(SharedRoom& room, Rank self, Rank to, std::int64_t number, std::span<const std::byte> part,
               std::uint64_t checksum) const;
  /// A writer's memory, mapped when it is first heard of; null when it cannot be.
  std::shared_ptr<SharedMemory> memory_of(Rank rank, const SharedNote& note);

  std::vector<int> members;                  ///< of this host
  std::vector<int> place;                    ///< [ranks] among them; −1: no memory in common
  std::vector<int> group;                    ///< [ranks] the lowest rank with memory in common
  std::vector<std::int64_t> process;         ///< [ranks]
  std::vector<std::int64_t> sent, expected;  ///< [ranks] numbers given so far
  std::unique_ptr<SharedMemory> control;
  std::map<std::pair<int, std::int64_t>, std::shared_ptr<SharedMemory>> mapped;  ///< by rank and file
};

class SharedRoom {
 public:
  explicit SharedRoom(std::unique_ptr<SharedMemory> m) : memory(std::move(m)) {}
  /// Those that still read it are left in `uses`.
  bool unread() {
    std::erase_if(
        uses, [](const Use& use) { return use.note->read.load(std::memory_order_acquire) >= use.number; });
    return uses.empty();
  }

  struct Use {
    const SharedNote* note;
    std::int64_t number;
    Rank reader;
  };
  std::unique_ptr<SharedMemory> memory;
  std::size_t asked = 0;  ///< bytes of the last use
  std::vector<Use> uses;
};

}  // namespace kith
