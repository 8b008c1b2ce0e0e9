#pragma once
#include <memory>
#include <string>
#include <vector>

#include <mpi.h>

#include "kith/comm/communicator.h"
#include "kith/comm/shared_scratch.h"

namespace kith {

/// Owns one MPI communicator. Freeing is collective in MPI's words, local in practice; after MPI_Finalize a
/// no-op.
class MpiHandle {
 public:
  explicit MpiHandle(MPI_Comm comm) : comm_(comm) {}
  ~MpiHandle();
  MpiHandle(const MpiHandle&) = delete;
  MpiHandle& operator=(const MpiHandle&) = delete;
  MPI_Comm get() const { return comm_; }

 private:
  MPI_Comm comm_;
};

/// What the duplicates of a communicator share.
struct MpiHosts {
  std::vector<std::string> names;  ///< by rank
  bool crowded = false;            ///< more ranks on this host than cores this process may use
};

class MpiCommunicator final : public Communicator {
 public:
  /// Takes ownership of `comm`.
  MpiCommunicator(MPI_Comm comm, std::shared_ptr<const MpiHosts> hosts);
  Rank rank() const override { return rank_; }
  int size() const override { return size_; }
  /// Lets long all-reduces go through shared memory where all ranks are on one host. Collective.
  void share_memory() { scratch_ = SharedScratch::make(*this); }
  const std::string& host_of(Rank rank) const override {
    return hosts_->names[static_cast<std::size_t>(rank.value())];
  }
  std::unique_ptr<Communicator> duplicate() override;
  [[noreturn]] void abort(ExitCode code) override;

 protected:
  Pending send(std::span<const std::byte> bytes, Rank to, int tag, const char* what) override;
  Pending receive(std::span<std::byte> bytes, Rank from, int tag, const char* what) override;
  SharedScratch* shared_scratch() override { return scratch_.get(); }
  bool crowded() const override { return hosts_->crowded; }

 private:
  MpiHandle handle_;
  std::unique_ptr<SharedScratch> scratch_;
  std::shared_ptr<const MpiHosts> hosts_;
  Rank rank_;
  int size_ = 1;
};

/// Throws PeerError with MPI's own sentence, the operation and the peer (−1: none) unless `code` is
/// MPI_SUCCESS.
void check_mpi(int code, const char* what, int peer = -1);

}  // namespace kith
