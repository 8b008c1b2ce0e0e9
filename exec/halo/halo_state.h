#pragma once
#include <map>
#include <span>
#include <string>

#include "kith/core/tensor.h"

namespace kith {

/// What one rank's end of a halo protocol keeps from step to step, as matrices by name on the host.
class HaloState {
 public:
  /// A copy, wherever the values lie.
  void put(const std::string& name, const Matrix& values);
  /// Throws CorruptError where there is none of this name, or it has other columns; −1: any.
  const Matrix& at(const std::string& name, std::int64_t cols = -1) const;
  const std::map<std::string, Matrix>& matrices() const { return matrices_; }

 private:
  std::map<std::string, Matrix> matrices_;
};

/// A whole number in three elements of 24 bits, which an fp32 holds exactly.
inline constexpr std::int64_t kNumberColumns = 3;
void write_number(std::int64_t number, float* elements);
std::int64_t read_number(const float* elements);

}  // namespace kith
