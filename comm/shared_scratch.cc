#include "kith/comm/shared_scratch.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <span>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kith/core/host.h"

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

/// Maps the shared file of this name, made when `create`; null when that fails for whatever reason.
std::byte* map_shared(const std::string& name, std::size_t bytes, bool create) {
  const int file = shm_open(name.c_str(), O_RDWR | (create ? O_CREAT | O_EXCL : 0), 0600);
  if (file < 0) return nullptr;
  // Reserved, not only sized: a full /dev/shm must be a failure here, not a SIGBUS later.
  void* memory = create && posix_fallocate(file, 0, static_cast<off_t>(bytes)) != 0
                     ? MAP_FAILED
                     : mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
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
  std::int64_t key[2] = {process_id(), std::chrono::steady_clock::now().time_since_epoch().count()};
  broadcast_values(comm, std::span<std::int64_t>(key), Rank(0), "name of the shared memory");
  const std::string name = fmt::format("/kith-{}-{}", key[0], key[1]);
  const std::size_t bytes = bytes_for(comm.size());
  std::byte* memory = first ? map_shared(name, bytes, true) : nullptr;
  if (memory != nullptr) nonce_in(memory) = key[1];
  barrier(comm, "making shared memory");
  if (!first) memory = map_shared(name, bytes, false);
  const bool mine = memory != nullptr && nonce_in(memory) == key[1];
  const bool all = all_reduce_sum(comm, std::int64_t{mine}, "mapping shared memory") == comm.size();
  if (first) shm_unlink(name.c_str());
  if (memory != nullptr && !all) munmap(memory, bytes);
  return all ? std::unique_ptr<SharedScratch>(new SharedScratch(memory, bytes, comm.size())) : nullptr;
}

SharedScratch::~SharedScratch() { munmap(memory_, bytes_); }

SharedScratch::Passed& SharedScratch::passed(int rank) const {
  return reinterpret_cast<Passed*>(memory_ + kHeaderBytes)[rank];
}

std::byte* SharedScratch::slot(int rank, std::int64_t segment) const {
  std::byte* slots = memory_ + kHeaderBytes + static_cast<std::size_t>(ranks_) * sizeof(Passed);
  return slots + static_cast<std::size_t>(rank * kSlots + segment % kSlots) * kSegmentBytes;
}

}  // namespace kith
