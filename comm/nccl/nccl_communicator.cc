// Point-to-point messages of one exchange are one NCCL group, for a send that waits for its receive would
// otherwise keep the stream from the receive that its peer waits for. The host never waits inside CUDA: an
// operation is complete when its batch's event is, which test() asks, so that the no-progress limit and its
// names hold for GPUs as for MPI. NCCL tells of lost peers asynchronously; every test asks.
#include "kith/comm/nccl/nccl_communicator.h"

#include <cstdlib>
#include <exception>

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "kith/comm/internal_messages.h"
#include "kith/core/cuda/check.h"

namespace kith {

class NcclOperation final : public Operation {
 public:
  NcclOperation(const NcclCommunicator& comm, std::shared_ptr<NcclCommunicator::Batch> batch,
                std::string kind, std::size_t bytes, int peer, const char* what)
      : Operation(what),
        comm_(comm),
        batch_(std::move(batch)),
        kind_(std::move(kind)),
        bytes_(bytes),
        peer_(peer) {}

  std::string describe() const override { return fmt::format("{} of {} bytes by NCCL", kind_, bytes_); }
  std::vector<Rank> waiting_for() const override {
    if (peer_ >= 0) return {Rank(peer_)};
    std::vector<Rank> all;
    for (Rank rank{0}; rank.value() < comm_.size(); ++rank)
      if (rank != comm_.rank()) all.push_back(rank);
    return all;
  }

 protected:
  bool poll() override {
    ncclResult_t state = ncclSuccess;
    comm_.check(comm_.nccl_.async_error(comm_.comm_, &state), what(), peer_);
    if (state == ncclInProgress) return false;
    comm_.check(state, what(), peer_);
    const cudaError_t code = batch_->started ? cudaEventQuery(batch_->done.get()) : cudaErrorNotReady;
    if (code == cudaErrorNotReady) return false;
    check_cuda(code, what());
    return true;
  }

 private:
  const NcclCommunicator& comm_;
  std::shared_ptr<NcclCommunicator::Batch> batch_;
  std::string kind_;
  std::size_t bytes_;
  int peer_;
};

NcclCommunicator::NcclCommunicator(std::unique_ptr<Communicator> host, CudaDevice& device)
    : nccl_(nccl_library()), host_(std::move(host)), device_(&device) {
  set_no_progress_limit(host_->no_progress_limit());
  ncclUniqueId id{};
  if (host_->rank() == Rank{0}) check(nccl_.make_id(&id), "make NCCL's id", -1);
  broadcast(*host_, std::as_writable_bytes(std::span(&id, 1)), Rank{0}, "tell NCCL's id");
  check(nccl_.init_rank(&comm_, host_->size(), id, host_->rank().value()), "start NCCL", -1);
}

// Destroying waits for the peers; after a failure nobody is waited for.
NcclCommunicator::~NcclCommunicator() {
  if (comm_ == nullptr) return;
  const bool leaves = failed_ || std::uncaught_exceptions() > 0;
  static_cast<void>(leaves ? nccl_.abort(comm_) : nccl_.destroy(comm_));
}

void NcclCommunicator::abort(ExitCode code) {
  host_->abort(code);
  std::_Exit(static_cast<int>(code));
}

bool NcclCommunicator::crowded() const { return InternalMessages::crowded(*host_); }

void NcclCommunicator::check(ncclResult_t code, const std::string& what, int peer) const {
  if (code == ncclSuccess || code == ncclInProgress) return;
  failed_ = true;
  const std::string with =
      peer < 0 ? std::string() : fmt::format(", rank {} on host {}", peer, host_of(Rank(peer)));
  throw PeerError(fmt::format("NCCL failed in '{}'{}: {}", what, with, nccl_.error_text(code)));
}

void NcclCommunicator::open_batch() {
  if (batch_ != nullptr) return;
  batch_ = std::make_shared<Batch>();
  check_cuda(cudaEventRecord(computed_.get(), device_->stream()), "mark the GPU's work");
  check_cuda(cudaStreamWaitEvent(stream_.get(), computed_.get(), 0), "wait for the GPU's work");
  check(nccl_.group_start(), "begin a group", -1);
}

void NcclCommunicator::end_group() {
  if (--depth_ > 0 || batch_ == nullptr) return;
  const std::shared_ptr<Batch> batch = std::exchange(batch_, nullptr);
  check(nccl_.group_end(), "start a group", -1);
  check_cuda(cudaEventRecord(batch->done.get(), stream_.get()), "mark a group's end");
  batch->started = true;
}

template <class Call>
Pending NcclCommunicator::start(std::string kind, std::size_t bytes, int peer, const char* what,
                                Call&& call) {
  begin_group();
  open_batch();
  Pending operation = std::make_unique<NcclOperation>(*this, batch_, std::move(kind), bytes, peer, what);
  check(call(), what, peer);
  end_group();
  return operation;
}

Pending NcclCommunicator::send(std::span<const std::byte> bytes, Rank to, int tag, const char* what) {
  if (!device_->holds(bytes.data())) return InternalMessages::send(*host_, bytes, to, tag, what);
  return start("send", bytes.size(), to.value(), what, [&] {
    return nccl_.send(bytes.data(), bytes.size(), ncclUint8, to.value(), comm_, stream_.get());
  });
}

Pending NcclCommunicator::receive(std::span<std::byte> bytes, Rank from, int tag, const char* what) {
  if (!device_->holds(bytes.data())) return InternalMessages::receive(*host_, bytes, from, tag, what);
  return start("receive", bytes.size(), from.value(), what, [&] {
    return nccl_.receive(bytes.data(), bytes.size(), ncclUint8, from.value(), comm_, stream_.get());
  });
}

Pending NcclCommunicator::sum_on_device(std::span<float> values, const char* what) {
  return start("all-reduce", values.size_bytes(), -1, what, [&] {
    return nccl_.all_reduce(values.data(), values.data(), values.size(), ncclFloat32, ncclSum, comm_,
                            stream_.get());
  });
}

}  // namespace kith
