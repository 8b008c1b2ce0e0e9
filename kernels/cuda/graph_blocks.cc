#include "kith/kernels/cuda/graph_blocks.h"

#include <algorithm>

#include "kith/core/device_memory.h"
#include "kith/core/error.h"
#include "kith/graph/builders.h"

namespace kith::cuda {
namespace {

/// Which columns the block under way has met.
class Met {
 public:
  explicit Met(std::int64_t columns) : by_(static_cast<std::size_t>(columns), std::int64_t{-1}) {}
  /// Whether column c is new to the block.
  bool add(std::int32_t c, std::int64_t block) { return std::exchange(by_[c], block) != block; }

 private:
  Array<std::int64_t> by_;
};

/// Where the longest stretch from row `begin` on ends.
std::int64_t end_of_block(CsrView<std::int32_t> a, std::int64_t columns, const BlockCost& cost, Met& met,
                          std::int64_t begin, std::int64_t block) {
  std::int64_t count = 0, edges = 0;
  for (std::int64_t row = begin; row < a.n(); ++row) {
    if (row < columns && met.add(static_cast<std::int32_t>(row), block)) ++count;
    for (const std::int32_t c : a.row(row)) count += met.add(c, block) ? 1 : 0;
    edges += a.degree(row);
    if (cost.bytes(row + 1 - begin, count, edges) <= cost.most) continue;
    if (row > begin) return row;
    throw MemoryError(
        with_facts("a node and its neighbours do not fit into what the device's limit leaves to kernels; "
                   "raise --device-memory-limit, or lower --hidden",
                   {{"row", row},
                    {"neighbours", a.degree(row)},
                    {"bytes needed", cost.bytes(1, count, edges)},
                    {"bytes left", cost.most}}));
  }
  return a.n();
}

GraphBlock block_of(CsrView<std::int32_t> a, std::int64_t columns, std::int64_t begin, std::int64_t end,
                    Array<std::int32_t>& place) {
  GraphBlock block{.begin = begin, .end = end};
  block.own = std::clamp<std::int64_t>(columns - begin, 0, end - begin);
  const std::int64_t first = a.indptr[begin], edges = a.indptr[end] - first;
  block.csr = {Array<std::int64_t>(static_cast<std::size_t>(end - begin) + 1),
               Array<std::int32_t>(static_cast<std::size_t>(edges))};
  std::vector<std::int32_t> others;
  for (std::int64_t i = begin; i <= end; ++i) block.csr.indptr[i - begin] = a.indptr[i] - first;
  for (std::int64_t e = 0; e < edges; ++e) {
    const std::int32_t c = a.indices[static_cast<std::size_t>(first + e)];
    if (c >= begin && c < begin + block.own) {
      block.csr.indices[e] = static_cast<std::int32_t>(c - begin);
      continue;
    }
    if (place[c] < 0) {
      place[c] = static_cast<std::int32_t>(block.own + std::ssize(others));
      others.push_back(c);
    }
    block.csr.indices[e] = place[c];
  }
  for (const std::int32_t c : others) place[c] = -1;
  block.others = copy_of(std::span<const std::int32_t>(others));
  return block;
}

}  // namespace

std::vector<GraphBlock> graph_blocks(CsrView<std::int32_t> a, std::int64_t columns, const BlockCost& cost,
                                     bool with_transpose) {
  const UseMemory host(nullptr);
  std::vector<GraphBlock> blocks;
  Met met(columns);
  Array<std::int32_t> place(static_cast<std::size_t>(columns), -1);
  for (std::int64_t begin = 0; begin < a.n();) {
    const std::int64_t end = end_of_block(a, columns, cost, met, begin, std::ssize(blocks));
    blocks.push_back(block_of(a, columns, begin, end, place));
    if (with_transpose)
      blocks.back().transpose = transposed_with_edges(blocks.back().csr, blocks.back().columns());
    begin = end;
  }
  return blocks;
}

}  // namespace kith::cuda
