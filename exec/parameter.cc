#include "kith/exec/parameter.h"

#include <algorithm>
#include <cmath>

#include "kith/core/philox.h"
#include "kith/core/rehearsal.h"

namespace kith {

Parameter& Parameters::add(const std::string& name, std::vector<std::int64_t> shape) {
  std::int64_t size = 1;
  for (const std::int64_t extent : shape) size *= extent;
  const std::int64_t rows = shape.size() > 1 ? shape[0] : 1;
  const bool taken = std::any_of(parameters_.begin(), parameters_.end(),
                                 [&](const Parameter& other) { return other.name == name; });
  require(!taken && size > 0, "a parameter has a name of its own and at least one element",
          {{"name", std::string_view(name)}, {"elements", size}});
  parameters_.push_back({name, std::move(shape), Matrix(rows, size / rows, 0.0f), parameters_.size(), false});
  return parameters_.back();
}

Parameter& Parameters::zeros(const std::string& name, std::vector<std::int64_t> shape) {
  return add(name, std::move(shape));
}

Parameter& Parameters::constant(const std::string& name, std::vector<std::int64_t> shape, float value) {
  Parameter& parameter = add(name, std::move(shape));
  if (!rehearsing()) std::ranges::fill(parameter.value.span(), value);
  return parameter;
}

Parameter& Parameters::running(const std::string& name, std::vector<std::int64_t> shape, float value) {
  Parameter& parameter = constant(name, std::move(shape), value);
  parameter.running = true;
  return parameter;
}

Parameter& Parameters::uniform(const std::string& name, std::vector<std::int64_t> shape, double bound) {
  Parameter& parameter = add(name, std::move(shape));
  if (rehearsing()) return parameter;
  const PhiloxKey key = philox_key(seed_, Stream::init, parameter.index);
  std::span<float> values = parameter.value.span();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const PhiloxWords words = draw_words(key, StoreId{static_cast<std::int64_t>(i / 4)}, 0, 0);
    values[i] = static_cast<float>(bound * (2.0 * unit_float(words[i % 4]) - 1.0));
  }
  return parameter;
}

Parameter& Parameters::glorot(const std::string& name, std::int64_t out, std::int64_t in) {
  return uniform(name, {out, in}, std::sqrt(6.0 / static_cast<double>(in + out)));
}

void Parameters::move_here() {
  for (Parameter& parameter : parameters_) parameter.value = copy_of(parameter.value);
}

std::int64_t Parameters::elements() const {
  std::int64_t sum = 0;
  for (const Parameter& parameter : parameters_) sum += parameter.value.size();
  return sum;
}

}  // namespace kith
