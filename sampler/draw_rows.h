#pragma once
#include <cstdint>
#include <span>

#include "kith/core/philox.h"
#include "kith/sampler/packed_rows.h"

namespace kith {

/// The fanouts that `draw_rows` takes; above, a scan of what is drawn already costs more than a set.
inline constexpr std::int64_t kMostVectorDraws = 32;

struct RowDraws {
  const PackedRows& rows;
  std::int64_t fanout = 1;  ///< in [1, kMostVectorDraws]
  bool replace = false;
  PhiloxKey key;
  std::uint32_t step = 0;
};

/// The neighbours of `frontier` by the draws of draws.h, several nodes at a time: row by row into `out`,
/// which has room for frontier.size() · fanout; counts[i] is how many node i has. Returns their sum. Same
/// bits for any vector width.
std::int64_t draw_rows(const RowDraws& draws, std::span<const GlobalId> frontier, std::int32_t* counts,
                       std::int32_t* out);

}  // namespace kith
