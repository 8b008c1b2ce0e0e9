#pragma once
#include <vector>

#include "kith/graph/csr.h"

namespace kith {

/// The rows of a graph split by who owns their sources: their sum is the graph.
struct OwnerBlocks {
  Csr32 own;                   ///< rows × rows
  std::vector<Csr32> of_rank;  ///< [ranks] rows × the rank's halo rows
};

/// Of rows whose sources are themselves and, behind them, `halo` rows of each rank. O(edges + rows · ranks).
OwnerBlocks split_by_owner(CsrView<std::int32_t> csr, const std::vector<std::int64_t>& halo);

}  // namespace kith
