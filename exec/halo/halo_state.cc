#include "kith/exec/halo/halo_state.h"

namespace kith {
namespace {

constexpr int kBits = 24;
constexpr std::int64_t kMask = (std::int64_t{1} << kBits) - 1;

}  // namespace

void HaloState::put(const std::string& name, const Matrix& values) {
  const UseMemory host(nullptr);
  matrices_[name] = copy_of(values);
}

const Matrix& HaloState::at(const std::string& name, std::int64_t cols) const {
  const auto found = matrices_.find(name);
  if (found == matrices_.end() || (cols >= 0 && found->second.cols() != cols))
    throw CorruptError("saved halo state: " + name +
                       (found == matrices_.end() ? " is missing" : " has other columns"));
  return found->second;
}

void write_number(std::int64_t number, float* elements) {
  elements[0] = static_cast<float>(number & kMask);
  elements[1] = static_cast<float>(number >> kBits & kMask);
  elements[2] = static_cast<float>(number >> 2 * kBits);
}

std::int64_t read_number(const float* elements) {
  return static_cast<std::int64_t>(elements[0]) | static_cast<std::int64_t>(elements[1]) << kBits |
         static_cast<std::int64_t>(elements[2]) * (std::int64_t{1} << 2 * kBits);
}

}  // namespace kith
