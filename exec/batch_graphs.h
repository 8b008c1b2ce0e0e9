#pragma once
#include <vector>

#include "kith/exec/layer_graph.h"
#include "kith/sampler/batch.h"

namespace kith {

/// The layers' graphs of a sampled batch, with self-edges as the model wants them; `ranks` have such batches.
/// The batch must outlive it.
class BatchGraphs {
 public:
  BatchGraphs(Batch& batch, SelfEdges self_edges, int ranks = 1, const Backend& on = Cpu{});
  LayerGraphs layers() const { return LayerGraphs(graphs_); }

 private:
  std::vector<LayerGraph> graphs_;
};

/// The block with an edge from every destination to itself at the end of its row.
Csr32 with_own_edges(CsrView<std::int32_t> block);

}  // namespace kith
