#include "kith/comm/shared_scratch.h"

#include <chrono>
#include <span>
#include <utility>

namespace kith {

namespace {

static_assert(std::atomic<std::int64_t>::is_always_lock_free, "the counters are shared by processes");

constexpr std::size_t kHeaderBytes = 128;  // the nonce: proof that the file is this job's
constexpr int kMostRanks = 256;

std::size_t bytes_for(int ranks) {
  return kHeaderBytes +
         static_cast<std::size_t>(ranks) *
             (sizeof(SharedScratch::Passed) + SharedScratch::kSlots * SharedScratch::kSegmentBytes);
}

std::int64_t& nonce_in(std::byte* memory) { return *reinterpret_cast<std::int64_t*>(memory); }

bool on_one_host(const Communicator& comm) {
  for (int r = 1; r < comm.size(); ++r)
    if (comm.host_of(Rank(r)) != comm.host_of(Rank(0))) return false;
  return true;
}

}  // namespace

std::unique_ptr<SharedScratch> SharedScratch::make(Communicator& comm) {
  if (comm.size() == 1 || comm.size() > kMostRanks || !on_one_host(comm)) return nullptr;
  const bool first = comm.rank() == Rank(0);
  struct Offer {
    SharedMemory::Name name;
    std::int64_t nonce = 0;
  };
  Offer offer;
  std::unique_ptr<SharedMemory> memory = first ? SharedMemory::make(bytes_for(comm.size())) : nullptr;
  if (memory != nullptr) {
    offer = {memory->name(), std::chrono::steady_clock::now().time_since_epoch().count()};
    nonce_in(memory->data()) = offer.nonce;
  }
  broadcast_values(comm, std::span(&offer, 1), Rank(0), "name of the shared memory");
  if (!first) memory = SharedMemory::open(offer.name);
  const bool mine = memory != nullptr && nonce_in(memory->data()) == offer.nonce;
  const bool all = all_reduce_sum(comm, std::int64_t{mine}, "mapping shared memory") == comm.size();
  if (memory != nullptr) memory->hide();
  return all ? std::unique_ptr<SharedScratch>(new SharedScratch(std::move(memory), comm.size())) : nullptr;
}

SharedScratch::Passed& SharedScratch::passed(int rank) const {
  return reinterpret_cast<Passed*>(memory_->data() + kHeaderBytes)[rank];
}

std::byte* SharedScratch::slot(int rank, std::int64_t segment) const {
  std::byte* slots = memory_->data() + kHeaderBytes + static_cast<std::size_t>(ranks_) * sizeof(Passed);
  return slots + static_cast<std::size_t>(rank * kSlots + segment % kSlots) * kSegmentBytes;
}

}  // namespace kith
