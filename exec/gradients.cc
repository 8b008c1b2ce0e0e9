#include "kith/exec/gradients.h"

#include <algorithm>

namespace kith {

ParameterGradients::ParameterGradients(const Parameters& parameters)
    : values_(static_cast<std::size_t>(parameters.elements()), 0.0f), offsets_(parameters.size()) {
  std::int64_t offset = 0;
  for (std::size_t i = parameters.size(); i-- > 0;) {
    offsets_[i] = offset;
    offset += parameters[i].value.size();
  }
  for (std::size_t i = 0; i < parameters.size(); ++i)
    shapes_.emplace_back(parameters[i].value.rows(), parameters[i].value.cols());
}

Tensor ParameterGradients::of(std::size_t parameter) {
  const auto [rows, cols] = shapes_[parameter];
  return {values_.data() + offsets_[parameter], rows, cols};
}

ConstTensor ParameterGradients::of(std::size_t parameter) const {
  const auto [rows, cols] = shapes_[parameter];
  return {values_.data() + offsets_[parameter], rows, cols};
}

void ParameterGradients::clear() { values_.fill(0); }

}  // namespace kith
