#include "kith/comm/mpi_communicator.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>

namespace kith {

void check_mpi(int code, const char* what, int peer) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw PeerError(fmt::format("MPI failed in '{}'{}: {}", what,
                              peer < 0 ? std::string() : fmt::format(", rank {}", peer), text));
}

MpiHandle::~MpiHandle() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (finalized == 0 && comm_ != MPI_COMM_NULL) MPI_Comm_free(&comm_);
}

namespace {

class MpiMessage final : public Operation {
 public:
  enum class Kind { send, receive };
  MpiMessage(Kind kind, std::size_t bytes, Rank peer, const char* what)
      : Operation(what), kind_(kind), bytes_(bytes), peer_(peer) {}

  /// An abandoned request only happens while an exception ends the job: MPI must not write into memory that
  /// is about to go.
  ~MpiMessage() override {
    if (request == MPI_REQUEST_NULL) return;
    if (kind_ == Kind::receive) MPI_Cancel(&request);
    MPI_Request_free(&request);
  }

  std::string describe() const override {
    return fmt::format("{} of {} bytes", kind_ == Kind::send ? "send" : "receive", bytes_);
  }
  std::vector<Rank> waiting_for() const override { return {peer_}; }

  MPI_Request request = MPI_REQUEST_NULL;

 protected:
  bool poll() override {
    int complete = 0;
    MPI_Status status;
    check_mpi(MPI_Test(&request, &complete, &status), what().c_str(), peer_.value());
    if (complete != 0 && kind_ == Kind::receive) require_whole(status);
    return complete != 0;
  }

 private:
  void require_whole(const MPI_Status& status) const {
    MPI_Count arrived = 0;
    MPI_Get_count_c(&status, MPI_BYTE, &arrived);
    if (arrived != static_cast<MPI_Count>(bytes_))
      throw PeerError(fmt::format("'{}': rank {} sent {} bytes where {} were expected", what(), peer_.value(),
                                  arrived, bytes_));
  }

  Kind kind_;
  std::size_t bytes_;
  Rank peer_;
};

}  // namespace

MpiCommunicator::MpiCommunicator(MPI_Comm comm, std::shared_ptr<const MpiHosts> hosts)
    : handle_(comm), hosts_(std::move(hosts)) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size_);
  rank_ = Rank(rank);
}

Pending MpiCommunicator::send(std::span<const std::byte> bytes, Rank to, int tag, const char* what) {
  auto message = std::make_unique<MpiMessage>(MpiMessage::Kind::send, bytes.size(), to, what);
  check_mpi(MPI_Isend_c(bytes.data(), static_cast<MPI_Count>(bytes.size()), MPI_BYTE, to.value(), tag,
                        handle_.get(), &message->request),
            what, to.value());
  return message;
}

Pending MpiCommunicator::receive(std::span<std::byte> bytes, Rank from, int tag, const char* what) {
  auto message = std::make_unique<MpiMessage>(MpiMessage::Kind::receive, bytes.size(), from, what);
  check_mpi(MPI_Irecv_c(bytes.data(), static_cast<MPI_Count>(bytes.size()), MPI_BYTE, from.value(), tag,
                        handle_.get(), &message->request),
            what, from.value());
  return message;
}

std::unique_ptr<Communicator> MpiCommunicator::duplicate() {
  // MPI_Comm_dup blocks without a limit: enter it only when every rank is known to be there.
  barrier(*this, "duplicate communicator");
  MPI_Comm copy = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(handle_.get(), &copy), "duplicate communicator");
  auto duplicate = std::make_unique<MpiCommunicator>(copy, hosts_);
  duplicate->set_no_progress_limit(no_progress_limit());
  duplicate->share_memory();
  return duplicate;
}

void MpiCommunicator::abort(ExitCode code) {
  // Silent: the caller has said why, and that stays the last word. The launcher drops what it has not
  // forwarded when the job ends, so it gets the time to do so.
  std::fflush(nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  MPI_Abort(MPI_COMM_WORLD, static_cast<int>(code));
  std::_Exit(static_cast<int>(code));
}

}  // namespace kith
