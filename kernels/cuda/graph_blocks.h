#pragma once
#include <cstdint>
#include <vector>

#include "kith/core/array.h"
#include "kith/graph/csr.h"

namespace kith::cuda {

/// Consecutive rows of a matrix with all their entries, whose columns are numbered anew: first the rows
/// themselves, as far as they are columns, then `others`, in order of first appearance. On the host.
struct GraphBlock {
  std::int64_t begin = 0, end = 0;
  std::int64_t own = 0;
  Array<std::int32_t> others;
  Csr32 csr;
  TransposedCsr transpose;  ///< where it was asked for, with the entries' places

  std::int64_t rows() const { return end - begin; }
  std::int64_t columns() const { return own + others.ssize(); }
};

/// What a block takes on the device.
struct BlockCost {
  std::int64_t row_bytes = 0, column_bytes = 0, edge_bytes = 0;
  std::int64_t most = 0;  ///< bytes
  std::int64_t bytes(std::int64_t rows, std::int64_t columns, std::int64_t edges) const {
    return rows * row_bytes + columns * column_bytes + edges * edge_bytes;
  }
};

/// A matrix of so many columns, cut into the longest stretches of rows that cost at most `cost.most`. The
/// better neighbours stand together, the fewer columns stretches share: `kith partition` orders nodes so.
/// O(m) on the host. Throws MemoryError where one row costs more.
std::vector<GraphBlock> graph_blocks(CsrView<std::int32_t> a, std::int64_t columns, const BlockCost& cost,
                                     bool with_transpose);

}  // namespace kith::cuda
