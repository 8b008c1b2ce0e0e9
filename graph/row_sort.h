#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace kith::detail {

/// Sorts non-negative numbers below `bound` ascending. Short rows by comparison, hubs by radix; `scratch` is
/// reused between calls.
template <class Index>
void sort_row(std::span<Index> row, std::int64_t bound, std::vector<Index>& scratch);

}  // namespace kith::detail
