// NCCL between the threads of this process, over the emulated device's memory. Sends leave at the end of
// their group and receives are filled when somebody asks for errors, as NCCL's stream works beside the host;
// a peer that has aborted shows as a remote error.
#include <array>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "device_pages.h"

#include "kith/comm/nccl/library.h"

struct ncclComm {
  unsigned id;
  int rank, size;
  std::deque<std::function<bool()>> pending;
};

namespace kith {
namespace {

using emulated::OpenPages;
using Bytes = std::vector<std::byte>;

std::mutex mutex;
std::map<std::array<int, 3>, std::deque<Bytes>> mail;  // by communicator, sender, receiver
std::set<unsigned> aborted;
unsigned next_id = 1;
thread_local std::vector<std::function<void()>> group;
thread_local int depth = 0;

void in_group(std::function<void()> call) {
  group.push_back(std::move(call));
  if (depth > 0) return;
  for (const auto& one : std::exchange(group, {})) one();
}

std::array<int, 3> box(const ncclComm* comm, int from, int to) {
  return {static_cast<int>(comm->id), from, to};
}

void post(ncclComm* comm, const void* data, std::size_t bytes, int to) {
  const OpenPages open;
  Bytes copy(bytes);
  std::memcpy(copy.data(), data, bytes);
  const std::lock_guard lock(mutex);
  mail[box(comm, comm->rank, to)].push_back(std::move(copy));
}

bool take(ncclComm* comm, int from, const std::function<void(const Bytes&)>& use) {
  Bytes arrived;
  {
    const std::lock_guard lock(mutex);
    auto& waiting = mail[box(comm, from, comm->rank)];
    if (waiting.empty()) return false;
    arrived = std::move(waiting.front());
    waiting.pop_front();
  }
  const OpenPages open;
  use(arrived);
  return true;
}

ncclResult_t make_id(ncclUniqueId* id) {
  const std::lock_guard lock(mutex);
  std::memcpy(id, &next_id, sizeof(next_id));
  ++next_id;
  return ncclSuccess;
}
ncclResult_t init_rank(ncclComm_t* comm, int size, ncclUniqueId id, int rank) {
  *comm = new ncclComm{0, rank, size, {}};
  std::memcpy(&(*comm)->id, &id, sizeof(unsigned));
  return ncclSuccess;
}
ncclResult_t destroy(ncclComm_t comm) {
  delete comm;
  return ncclSuccess;
}
ncclResult_t abort_comm(ncclComm_t comm) {
  {
    const std::lock_guard lock(mutex);
    aborted.insert(comm->id);
  }
  return destroy(comm);
}
ncclResult_t async_error(ncclComm_t comm, ncclResult_t* state) {
  while (!comm->pending.empty() && comm->pending.front()()) comm->pending.pop_front();
  const std::lock_guard lock(mutex);
  *state = comm->pending.empty()        ? ncclSuccess
           : aborted.contains(comm->id) ? ncclRemoteError
                                        : ncclInProgress;
  return ncclSuccess;
}
ncclResult_t group_start() {
  ++depth;
  return ncclSuccess;
}
ncclResult_t group_end() {
  if (--depth == 0)
    for (const auto& one : std::exchange(group, {})) one();
  return ncclSuccess;
}
ncclResult_t send(const void* data, std::size_t count, ncclDataType_t, int to, ncclComm_t comm,
                  cudaStream_t) {
  in_group([=] { post(comm, data, count, to); });
  return ncclSuccess;
}
ncclResult_t receive(void* data, std::size_t count, ncclDataType_t, int from, ncclComm_t comm, cudaStream_t) {
  in_group([=] {
    comm->pending.push_back([=] {
      return take(comm, from, [&](const Bytes& bytes) {
        std::memcpy(data, bytes.data(), std::min(count, bytes.size()));
      });
    });
  });
  return ncclSuccess;
}
ncclResult_t all_reduce(const void* data, void* result, std::size_t count, ncclDataType_t, ncclRedOp_t,
                        ncclComm_t comm, cudaStream_t) {
  in_group([=] {
    for (int to = 0; to < comm->size; ++to) post(comm, data, count * sizeof(float), to);
    for (int from = 0; from < comm->size; ++from) {
      comm->pending.push_back([=] {
        return take(comm, from, [&](const Bytes& bytes) {
          auto* sums = static_cast<float*>(result);
          for (std::size_t i = 0; i < count; ++i) {
            float value;
            std::memcpy(&value, bytes.data() + i * sizeof(float), sizeof(float));
            sums[i] = from == 0 ? value : sums[i] + value;
          }
        });
      });
    }
  });
  return ncclSuccess;
}
const char* error_text(ncclResult_t) { return "emulated error"; }
ncclResult_t version(int* number) {
  *number = 0;
  return ncclSuccess;
}

}  // namespace

const NcclLibrary& nccl_library() {
  static const NcclLibrary nccl{&make_id,     &init_rank, &destroy,        &abort_comm, &async_error,
                                &group_start, &group_end, &send,           &receive,    &all_reduce,
                                &error_text,  &version,   "emulated NCCL", true};
  return nccl;
}

}  // namespace kith
