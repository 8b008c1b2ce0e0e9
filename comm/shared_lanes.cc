// Every ordered pair of ranks of a host has a lane: a ring of notes in memory that all of them map. The
// writer fills the next note and releases its number, the reader acquires that, reads the bytes where the
// note says they lie, and releases the number as read. Notes are read in any order, so what is under way for
// a whole step does not hold up what is wanted now. Nobody but its writer writes a counter.
#include "kith/comm/shared_lanes.h"

#include <algorithm>
#include <chrono>

#include "kith/core/host.h"
#include "kith/core/log.h"

namespace kith {
namespace {

static_assert(std::atomic<std::int64_t>::is_always_lock_free, "the counters are shared by processes");

constexpr std::size_t kMostRanks = 64;  // of a host: lanes are a pair's

std::int64_t& nonce_in(const SharedMemory& memory) { return *reinterpret_cast<std::int64_t*>(memory.data()); }

/// Ascending.
std::vector<int> ranks_on(const Communicator& comm, const std::string& host) {
  std::vector<int> ranks;
  for (int r = 0; r < comm.size(); ++r)
    if (comm.host_of(Rank(r)) == host) ranks.push_back(r);
  return ranks;
}

}  // namespace

SharedLanes::SharedLanes(Communicator& comm)
    : members(ranks_on(comm, comm.host_of(comm.rank()))),
      place(static_cast<std::size_t>(comm.size()), -1),
      group(place.size()),
      process(place.size()),
      sent(place.size()),
      expected(place.size()) {
  const std::size_t others = members.size();
  const bool leads = members.front() == comm.rank().value(), some = others > 1 && others <= kMostRanks;
  struct Offer {
    SharedMemory::Name name;
    std::int64_t nonce = 0;
  };
  Offer mine{{.process = process_id()}, std::chrono::steady_clock::now().time_since_epoch().count()};
  if (leads && some)
    control =
        SharedMemory::make(kHeaderBytes + others * others * SharedExchange::kNotes * sizeof(SharedNote));
  if (control != nullptr) {
    mine.name = control->name();
    nonce_in(*control) = mine.nonce;
  }
  std::vector<Offer> offers(place.size());
  all_gather_blocks(comm, std::as_bytes(std::span(&mine, 1)), std::as_writable_bytes(std::span(offers)),
                    "offers of shared memory");
  const Offer& leader = offers[static_cast<std::size_t>(members.front())];
  if (!leads) control = SharedMemory::open(leader.name);
  const bool good = control != nullptr && nonce_in(*control) == leader.nonce;
  const std::vector<std::int64_t> all = all_gather(comm, std::int64_t{good}, "mapping shared memory");
  if (control != nullptr) control->hide();
  const bool shared = some && std::all_of(members.begin(), members.end(), [&](int r) { return all[r] == 1; });
  if (others > 1 && !shared && leads)
    log::warning("the ranks of host " + comm.host_of(comm.rank()) +
                 " cannot share memory: rows between them go by messages");
  for (std::size_t i = 0; shared && i < others; ++i) place[members[i]] = static_cast<int>(i);
  for (std::size_t r = 0; r < offers.size(); ++r) process[r] = offers[r].name.process;
  for (int r = 0; r < comm.size(); ++r) {
    const std::vector<int> host = ranks_on(comm, comm.host_of(Rank(r)));
    const bool share = std::all_of(host.begin(), host.end(), [&](int other) { return all[other] == 1; });
    group[r] = share ? host.front() : r;
  }
}

std::shared_ptr<SharedMemory> SharedLanes::memory_of(Rank rank, const SharedNote& note) {
  auto& memory = mapped[{rank.value(), note.file}];
  if (memory == nullptr) memory = SharedMemory::open({process[rank.value()], note.file, note.file_bytes});
  const bool inside = note.offset >= 0 && note.bytes >= 0 && note.offset + note.bytes <= note.file_bytes;
  return inside ? memory : nullptr;
}

bool SharedLanes::publish(SharedRoom& room, Rank self, Rank to, std::int64_t number,
                          std::span<const std::byte> part, std::uint64_t checksum) const {
  SharedNote& note = this->note(self.value(), to.value(), number);
  if (note.read.load(std::memory_order_acquire) < number - SharedExchange::kNotes) return false;
  note.file = room.memory->name().file;
  note.file_bytes = room.memory->name().bytes;
  note.offset = part.data() - room.memory->data();
  note.bytes = std::ssize(part);
  note.checksum = checksum;
  note.published.store(number, std::memory_order_release);
  room.uses.push_back({&note, number, to});
  return true;
}

}  // namespace kith
