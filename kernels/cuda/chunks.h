#pragma once
#include <cstdint>
#include <functional>
#include <span>

#include "kith/core/cuda/device.h"
#include "kith/kernels/row_parts.h"

// Kernels over operands that lie on the host because the device has no room for them: by chunks, of which one
// arrives and one leaves, each on a stream of its own, while one is computed.
namespace kith::cuda {

/// Whether rows of an operand lie on the host, and the device may not have room for them.
bool spilled(const CudaDevice& device, std::span<const RowOperand> operands);

/// The three stages of chunk k, which work on the device's memory of slot k mod 2. Each starts its work on
/// device.stream() and need not wait for it: the stages of a chunk follow one another, and a slot is used
/// again when its chunk has left.
struct ChunkStages {
  std::function<void(std::int64_t chunk, int slot)> arrive, compute, leave;
};
/// Waits for the end.
void run_chunks(CudaDevice& device, std::int64_t chunks, const ChunkStages& stages);

/// body(part) for stretches of rows, in order.
void over_row_chunks(CudaDevice& device, std::span<const RowOperand> operands,
                     const std::function<void(const RowPart&)>& body);

/// The bytes that the chunk of a slot may take: two of them and what kernels make for themselves fit into the
/// workspace.
std::int64_t slot_bytes(const CudaDevice& device);

/// to = from, rows of one width at their strides, between the host and the device; left under way.
void start_copy_rows(CudaDevice& device, Tensor to, ConstTensor from);

/// A part of the workspace that goes when the work that was started has ended.
class Scratch {
 public:
  Scratch() = default;
  Scratch(CudaDevice& device, std::int64_t bytes);
  Scratch(Scratch&& other) noexcept
      : device_(std::exchange(other.device_, nullptr)), data_(std::exchange(other.data_, nullptr)) {}
  Scratch& operator=(Scratch&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~Scratch();
  std::byte* data() const { return data_; }
  float* floats() const { return reinterpret_cast<float*>(data_); }

 private:
  CudaDevice* device_ = nullptr;
  std::byte* data_ = nullptr;
};

}  // namespace kith::cuda
