#pragma once
#include <cstdint>
#include <optional>
#include <span>

namespace kith::detail {

/// The position of the first number outside [0, bound), if any. Parallel, about as fast as memory is read.
template <class Index>
std::optional<std::int64_t> first_outside(std::span<const Index> values, std::int64_t bound);

}  // namespace kith::detail
