#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include <driver_types.h>

#include "kith/core/cuda/device.h"
#include "kith/core/error.h"
#include "kith/core/tensor.h"
#include "kith/kernels/backend.h"

namespace kith::cuda {

/// Rows of a matrix in a kernel.
template <class T>
struct Rows {
  T* data = nullptr;
  std::int64_t stride = 0;
#ifdef __CUDACC__
  __host__ __device__
#endif
      T*
      row(std::int64_t i) const {
    return data + i * stride;
  }
};

/// One kernel call's arrays. An argument may lie anywhere: what lies on the device, or is mirrored there, is
/// taken as it is; what lies on the host is copied to the device and, where it is written, back. So every
/// kernel takes what the host's takes, and only what is used again and again need be placed. What lies on the
/// host because the device had no room for it is read and written there, by the kernel itself.
class Staging {
 public:
  /// `name` and `shape` are what an error says.
  Staging(Cuda on, std::string_view name, std::initializer_list<Fact> shape = {});
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging();

  template <class T>
  const T* read(std::span<const T> values) {
    return static_cast<const T*>(placed(values.data(), {1, values.size_bytes(), values.size_bytes()}));
  }
  template <class T>
  const T* read(std::span<T> values) {
    return read(std::span<const T>(values));
  }
  Rows<const float> read(ConstTensor x);
  /// Of which the kernel touches so many rows: what lies on the host for want of room counts as these.
  Rows<const float> read_some(ConstTensor x, std::int64_t rows);
  Rows<float> update_some(Tensor y, std::int64_t rows);
  /// What the kernel writes whole; what it may leave in part as it was, or adds to.
  Rows<float> write(Tensor y) { return written(y, false); }
  Rows<float> update(Tensor y) { return written(y, true); }
  template <class T>
  T* write(std::span<T> values) {
    return static_cast<T*>(written_bytes(values.data(), whole(values), false));
  }
  template <class T>
  T* update(std::span<T> values) {
    return static_cast<T*>(written_bytes(values.data(), whole(values), true));
  }
  /// Device memory that goes with the call.
  template <class T>
  T* scratch(std::int64_t count) {
    return reinterpret_cast<T*>(taken(static_cast<std::size_t>(count) * sizeof(T)));
  }

  /// Copies back what lies on the host, and then waits for it.
  void finish();

  CudaDevice& device() const { return *device_; }
  /// Throws what `code` means, with the call's name and shape.
  void check(cudaError_t code) const;

 private:
  /// `rows` stretches of `bytes`, `pitch` bytes from one to the next.
  struct Extent {
    std::int64_t rows;
    std::size_t bytes, pitch;
    std::size_t total() const { return bytes * static_cast<std::size_t>(rows); }
    bool packed() const { return rows == 1 || pitch == bytes; }
  };
  struct Back {
    void* host;
    const std::byte* device;
    Extent extent;
  };
  template <class T>
  static Extent whole(std::span<T> values) {
    return {1, values.size_bytes(), values.size_bytes()};
  }
  static Extent extent_of(ConstTensor x);
  std::byte* taken(std::size_t bytes);
  const void* placed(const void* data, Extent extent);
  void* written_bytes(void* data, Extent extent, bool keeps);
  Rows<float> written(Tensor y, bool keeps);
  void copy_in(std::byte* to, const void* from, Extent extent) const;
  void copy_out(const Back& back) const;

  CudaDevice* device_;
  std::string_view name_;
  std::vector<Fact> shape_;
  std::vector<std::byte*> taken_;
  std::vector<Back> back_;
};

}  // namespace kith::cuda
