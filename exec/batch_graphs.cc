#include "kith/exec/batch_graphs.h"

#include <algorithm>

#include "kith/core/parallel.h"
#include "kith/core/rehearsal.h"

namespace kith {

Csr32 with_own_edges(CsrView<std::int32_t> block) {
  const std::int64_t n = block.n();
  Csr32 result{Array<std::int64_t>(static_cast<std::size_t>(n) + 1),
               Array<std::int32_t>(static_cast<std::size_t>(block.m() + n))};
  if (rehearsing()) {
    result.indptr[n] = block.m() + n;
    return result;
  }
  result.indptr[0] = 0;
  parallel_for(0, n, 1 << 12, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto row = block.row(i);
      std::int32_t* target = std::copy(row.begin(), row.end(), result.indices.data() + block.indptr[i] + i);
      *target = static_cast<std::int32_t>(i);
      result.indptr[i + 1] = block.indptr[i + 1] + i + 1;
    }
  });
  return result;
}

BatchGraphs::BatchGraphs(Batch& batch, SelfEdges self_edges, int ranks, const Backend& on) {
  graphs_.reserve(batch.blocks.size());
  for (Block& block : batch.blocks) {
    if (self_edges == SelfEdges::explicit_edges) {
      Csr32 extended = with_own_edges(block.csr);
      block.placed.clear();
      block.csr = std::move(extended);
    }
    const auto sources = static_cast<std::size_t>(block.sources);
    graphs_.emplace_back(LayerGraph::Arrays{.csr = block.csr,
                                            .sources = block.sources,
                                            .store_ids = batch.store_ids.span().first(sources),
                                            .degrees = batch.degrees.span().first(sources),
                                            .self_edges = self_edges,
                                            .independent_ranks = ranks,
                                            .on = on});
  }
}

}  // namespace kith
