#pragma once
#include <cstdint>
#include <map>
#include <vector>

#include "kith/core/tensor.h"
#include "kith/exec/parameter.h"

namespace kith {

/// Where an op adds a gradient: tensor = its part + beta · tensor. `beta` is 0 for the first writer and 1
/// after, so nothing is cleared beforehand. Empty (`!slot`) when nobody wants this gradient.
struct GradientSlot {
  Tensor tensor;
  float beta = 0;
  bool wanted = false;
  explicit operator bool() const { return wanted; }
};

/// The gradients of all parameters in one flat array, last parameter first: backward passes finish them in
/// about that order, so a bucket of neighbours is ready early. They lie where buffers lie when it is made.
class ParameterGradients {
 public:
  explicit ParameterGradients(const Parameters& parameters);
  Tensor of(std::size_t parameter);
  ConstTensor of(std::size_t parameter) const;
  std::size_t size() const { return offsets_.size(); }
  std::span<float> flat() { return values_; }
  bool on_host() const { return values_.on_host(); }
  /// Where parameter i's elements begin in `flat()`.
  std::int64_t offset(std::size_t parameter) const { return offsets_[parameter]; }
  void clear();

 private:
  Array<float> values_;
  std::vector<std::int64_t> offsets_;
  std::vector<std::pair<std::int64_t, std::int64_t>> shapes_;
};

}  // namespace kith
