#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "kith/core/tensor.h"

namespace kith {

/// A trained matrix. Names and layout are PyG's `state_dict`: weights are [out, in].
struct Parameter {
  std::string name;
  std::vector<std::int64_t> shape;  ///< as saved; `value` is [shape[0], rest], or [1, shape[0]] for one axis
  Matrix value;
  std::size_t index = 0;  ///< its position in Parameters
  /// A running statistic is saved like a weight, but moves by taking its gradient off as it is.
  bool running = false;
};

/// All parameters of a model, in the order the model asked for them, and their gradients in one flat array.
/// Initial values are a pure function of (seed, position, element).
class Parameters {
 public:
  explicit Parameters(std::uint64_t seed) : seed_(seed) {}

  /// U(−b, b) with b = √(6 / (fan_in + fan_out)) (Glorot & Bengio 2010).
  Parameter& glorot(const std::string& name, std::int64_t out, std::int64_t in);
  /// U(−b, b) with b given: 1/√fan_in is what torch.nn.Linear starts with.
  Parameter& uniform(const std::string& name, std::vector<std::int64_t> shape, double bound);
  Parameter& zeros(const std::string& name, std::vector<std::int64_t> shape);
  Parameter& constant(const std::string& name, std::vector<std::int64_t> shape, float value);
  /// A running statistic.
  Parameter& running(const std::string& name, std::vector<std::int64_t> shape, float value);

  std::size_t size() const { return parameters_.size(); }
  Parameter& operator[](std::size_t i) { return parameters_[i]; }
  const Parameter& operator[](std::size_t i) const { return parameters_[i]; }
  /// Moves all values to where new buffers lie at present.
  void move_here();
  /// Of all parameters together.
  std::int64_t elements() const;

 private:
  Parameter& add(const std::string& name, std::vector<std::int64_t> shape);

  std::uint64_t seed_;
  std::deque<Parameter> parameters_;
};

}  // namespace kith
