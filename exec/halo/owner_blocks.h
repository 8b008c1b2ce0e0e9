#pragma once
#include <memory>
#include <vector>

#include "kith/exec/layer_graph.h"

namespace kith {

/// The rows of a graph split by who owns their sources: their sum is the graph.
struct OwnerBlocks {
  Csr32 own;                   ///< rows × rows
  std::vector<Csr32> of_rank;  ///< [ranks] rows × the rank's halo rows
  /// For attention, the ranks' and behind them the own one: the blocks as graphs, and of every entry its
  /// place in its whole row.
  std::vector<std::unique_ptr<LayerGraph>> graphs;
  std::vector<Array<std::int32_t>> slots;
};

enum class BlockUse { sums, attention };

/// Of rows whose sources are themselves and, behind them, `halo` rows of each rank. O(edges + rows · ranks).
OwnerBlocks split_by_owner(CsrView<std::int32_t> csr, const std::vector<std::int64_t>& halo, BlockUse use);

}  // namespace kith
