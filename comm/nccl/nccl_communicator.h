#pragma once
#include <memory>

#include "kith/comm/communicator.h"
#include "kith/comm/nccl/library.h"
#include "kith/core/cuda/device.h"
#include "kith/core/cuda/handles.h"

namespace kith {

/// The ranks of another communicator, one GPU each: messages and sums that lie in device memory go by NCCL,
/// on a stream of their own, those of the host by the other communicator. A message has the same kind of
/// memory at both ends. What a GPU's stream has yet to write is waited for on the device, never by the host.
/// Sums are added in NCCL's order: the same bits on every rank, but not those of the other communicator.
class NcclCommunicator final : public Communicator {
 public:
  /// Collective. Throws PeerError with what NCCL says.
  NcclCommunicator(std::unique_ptr<Communicator> host, CudaDevice& device);
  ~NcclCommunicator() override;

  Rank rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }
  const std::string& host_of(Rank rank) const override { return host_->host_of(rank); }
  DeviceMemory* device_memory() const override { return device_; }
  /// Of the host's messages alone: the prefetch thread has no others.
  std::unique_ptr<Communicator> duplicate() override { return host_->duplicate(); }
  [[noreturn]] void abort(ExitCode code) override;

  void begin_group() override { ++depth_; }
  void end_group() override;

 protected:
  Pending send(std::span<const std::byte> bytes, Rank to, int tag, const char* what) override;
  Pending receive(std::span<std::byte> bytes, Rank from, int tag, const char* what) override;
  Pending sum_on_device(std::span<float> values, const char* what) override;
  bool crowded() const override;

 private:
  friend class NcclOperation;
  /// What was started together is complete together.
  struct Batch {
    CudaEvent done;
    bool started = false;
  };
  template <class Call>
  Pending start(std::string kind, std::size_t bytes, int peer, const char* what, Call&& call);
  void open_batch();
  void check(ncclResult_t code, const std::string& what, int peer) const;

  const NcclLibrary& nccl_;
  std::unique_ptr<Communicator> host_;
  CudaDevice* device_;
  CudaStream stream_;
  CudaEvent computed_;  ///< what the GPU had been given when a batch began
  ncclComm_t comm_ = nullptr;
  int depth_ = 0;
  std::shared_ptr<Batch> batch_;  ///< the open one
  mutable bool failed_ = false;
};

}  // namespace kith
