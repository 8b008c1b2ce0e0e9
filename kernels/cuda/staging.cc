#include "kith/kernels/cuda/staging.h"

#include <cuda_runtime_api.h>

#include "kith/core/cuda/check.h"

namespace kith::cuda {

Staging::Staging(Cuda on, std::string_view name, std::initializer_list<Fact> shape)
    : device_(on.device), name_(name), shape_(shape) {
  device_->use();
}

Staging::~Staging() {
  for (std::byte* data : taken_) device_->give(data);
}

void Staging::check(cudaError_t code) const {
  if (code == cudaSuccess) return;
  std::string text(name_);
  for (const Fact& fact : shape_) text.append(" ").append(fact.name).append("=").append(fact.value);
  check_cuda(code, text);
}

std::byte* Staging::taken(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  taken_.push_back(device_->take_here(bytes));
  return taken_.back();
}

Staging::Extent Staging::extent_of(ConstTensor x) {
  return {x.rows, static_cast<std::size_t>(x.cols) * sizeof(float),
          static_cast<std::size_t>(x.stride) * sizeof(float)};
}

void Staging::copy_in(std::byte* to, const void* from, Extent e) const {
  if (e.packed()) return device_->start_copy(to, from, e.total());
  check(cudaMemcpy2DAsync(to, e.bytes, from, e.pitch, e.bytes, static_cast<std::size_t>(e.rows),
                          cudaMemcpyDefault, device_->stream()));
  device_->count_staged(e.total(), 0);
}

void Staging::copy_out(const Back& back) const {
  const Extent e = back.extent;
  if (e.packed()) return device_->start_copy(back.host, back.device, e.total());
  check(cudaMemcpy2DAsync(back.host, e.pitch, back.device, e.bytes, e.bytes, static_cast<std::size_t>(e.rows),
                          cudaMemcpyDefault, device_->stream()));
  device_->count_staged(0, e.total());
}

/// Where a kernel finds it: `extent` becomes packed when it was copied.
const void* Staging::placed(const void* data, Extent e) {
  const std::size_t bytes = e.total();
  if (bytes == 0 || device_->resident(data)) return data;
  if (device_->spilled(data)) {
    device_->count_staged(bytes, 0);
    return data;
  }
  const std::size_t span = e.pitch * static_cast<std::size_t>(e.rows - 1) + e.bytes;
  if (const void* mirror = device_->mirror_of(data, span)) {
    if (device_->spilled(mirror)) device_->count_staged(bytes, 0);
    return mirror;
  }
  std::byte* copy = taken(bytes);
  copy_in(copy, data, e);
  return copy;
}

Rows<const float> Staging::read(ConstTensor x) {
  const auto* data = static_cast<const float*>(placed(x.data, extent_of(x)));
  const bool copied = !taken_.empty() && reinterpret_cast<const std::byte*>(data) == taken_.back();
  return {data, copied ? x.cols : x.stride};
}

Rows<const float> Staging::read_some(ConstTensor x, std::int64_t rows) {
  if (!device_->spilled(x.data)) return read(x);
  device_->count_staged(static_cast<std::size_t>(rows * x.cols) * sizeof(float), 0);
  return {x.data, x.stride};
}

Rows<float> Staging::update_some(Tensor y, std::int64_t rows) {
  if (!device_->spilled(y.data)) return update(y);
  const auto bytes = static_cast<std::size_t>(rows * y.cols) * sizeof(float);
  device_->count_staged(bytes, bytes);
  return {y.data, y.stride};
}

void* Staging::written_bytes(void* data, Extent e, bool keeps) {
  const std::size_t bytes = e.total();
  if (bytes == 0 || device_->resident(data)) return data;
  if (device_->spilled(data)) {
    device_->count_staged(keeps ? bytes : 0, bytes);
    return data;
  }
  std::byte* copy = taken(bytes);
  if (keeps) copy_in(copy, data, e);
  back_.push_back({data, copy, e});
  return copy;
}

Rows<float> Staging::written(Tensor y, bool keeps) {
  auto* data = static_cast<float*>(written_bytes(y.data, extent_of(y), keeps));
  const bool copied = !back_.empty() && reinterpret_cast<std::byte*>(data) == back_.back().device;
  return {data, copied ? y.cols : y.stride};
}

void Staging::finish() {
  if (back_.empty()) return;
  for (const Back& back : back_) copy_out(back);
  check(cudaStreamSynchronize(device_->stream()));
}

}  // namespace kith::cuda
