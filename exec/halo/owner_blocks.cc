#include "kith/exec/halo/owner_blocks.h"

#include <numeric>

#include "kith/core/device_memory.h"
#include "kith/core/memory_kind.h"

namespace kith {
namespace {

/// Which block a source is in, and which of its columns it is there.
struct Places {
  std::vector<std::size_t> block;
  std::vector<std::int32_t> column;
};

Places places_of(std::int64_t rows, const std::vector<std::int64_t>& halo) {
  Places places;
  const auto append = [&](std::size_t block, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      places.block.push_back(block);
      places.column.push_back(static_cast<std::int32_t>(i));
    }
  };
  append(halo.size(), rows);
  for (std::size_t rank = 0; rank < halo.size(); ++rank) append(rank, halo[rank]);
  return places;
}

/// The blocks' entries' places in their rows.
std::vector<Array<std::int32_t>> slots_of(CsrView<std::int32_t> csr, const Places& places,
                                          const std::vector<Csr32>& blocks) {
  std::vector<Array<std::int32_t>> slots;
  for (const Csr32& block : blocks) slots.emplace_back(block.indices.size());
  std::vector<std::int64_t> next(blocks.size(), 0);
  for (std::int64_t row = 0; row < csr.n(); ++row) {
    std::int32_t slot = 0;
    for (const std::int32_t source : csr.row(row)) {
      const std::size_t block = places.block[source];
      slots[block][next[block]++] = slot++;
    }
  }
  return slots;
}

}  // namespace

OwnerBlocks split_by_owner(CsrView<std::int32_t> csr, const std::vector<std::int64_t>& halo,
                           BlockUse use_as) {
  const MemoryUse use(MemoryKind::graph);
  const UseMemory host(nullptr);
  const Places places = places_of(csr.n(), halo);
  std::vector<Csr32> blocks(halo.size() + 1);
  for (Csr32& block : blocks)
    block.indptr = Array<std::int64_t>(static_cast<std::size_t>(csr.n()) + 1, std::int64_t{0});
  for (std::int64_t row = 0; row < csr.n(); ++row)
    for (const std::int32_t source : csr.row(row)) ++blocks[places.block[source]].indptr[row + 1];
  for (Csr32& block : blocks) {
    std::partial_sum(block.indptr.begin(), block.indptr.end(), block.indptr.begin());
    block.indices = Array<std::int32_t>(static_cast<std::size_t>(block.indptr.back()));
  }
  std::vector<std::int64_t> next(blocks.size(), 0);  // rows are walked in order, so blocks fill in order
  for (const std::int32_t source : csr.indices.first(static_cast<std::size_t>(csr.m()))) {
    const std::size_t block = places.block[source];
    blocks[block].indices[next[block]++] = places.column[source];
  }
  OwnerBlocks split;
  if (use_as == BlockUse::attention) split.slots = slots_of(csr, places, blocks);
  split.own = std::move(blocks.back());
  blocks.pop_back();
  split.of_rank = std::move(blocks);
  if (use_as == BlockUse::sums) return split;
  const auto add_graph = [&](const Csr32& block, std::int64_t sources) {
    split.graphs.push_back(
        std::make_unique<LayerGraph>(LayerGraph::Arrays{.csr = block, .sources = sources}));
  };
  for (std::size_t rank = 0; rank < halo.size(); ++rank) add_graph(split.of_rank[rank], halo[rank]);
  add_graph(split.own, csr.n());
  return split;
}

}  // namespace kith
