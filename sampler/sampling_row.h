#pragma once
#include <cstdint>

namespace kith {

/// What a draw needs of a node: 16 bytes, one load.
struct alignas(16) SamplingRow {
  std::uint64_t begin = 0;  ///< of its columns
  std::uint32_t degree = 0;
  std::uint32_t store_id = 0;
};

}  // namespace kith
