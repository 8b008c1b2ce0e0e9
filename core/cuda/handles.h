#pragma once
#include <utility>

#include <cuda_runtime_api.h>

#include "kith/core/cuda/check.h"

namespace kith {

/// Owns what CUDA hands out as a pointer; never throws when it gives it back.
template <class Traits>
class CudaHandle {
 public:
  using Raw = typename Traits::Raw;
  CudaHandle() : raw_(Traits::make()) {}
  CudaHandle(CudaHandle&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  CudaHandle& operator=(CudaHandle&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~CudaHandle() {
    if (raw_ != nullptr) Traits::free(raw_);
  }
  Raw get() const { return raw_; }

 private:
  Raw raw_;
};

struct CudaStreamTraits {
  using Raw = cudaStream_t;
  /// Does not wait for the default stream, which nothing of Kith uses.
  static Raw make() {
    Raw stream = nullptr;
    check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "make a stream");
    return stream;
  }
  static void free(Raw stream) { static_cast<void>(cudaStreamDestroy(stream)); }
};
using CudaStream = CudaHandle<CudaStreamTraits>;

struct CudaEventTraits {
  using Raw = cudaEvent_t;
  static Raw make() {
    Raw event = nullptr;
    check_cuda(cudaEventCreateWithFlags(&event, cudaEventDefault), "make an event");
    return event;
  }
  static void free(Raw event) { static_cast<void>(cudaEventDestroy(event)); }
};
/// Marks a place in a stream, to wait for or to take times between.
using CudaEvent = CudaHandle<CudaEventTraits>;

}  // namespace kith
