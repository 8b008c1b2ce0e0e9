#pragma once
#include <cstdint>
#include <vector>

#include "kith/core/array.h"
#include "kith/core/ids.h"
#include "kith/core/tensor.h"
#include "kith/graph/csr.h"
#include "kith/kernels/backend.h"

namespace kith {

/// The bipartite message-flow graph of one layer: rows are destinations, columns are sources, both numbered
/// by their position in the batch's `nodes`; destinations are the first sources.
struct Block {
  Csr32 csr;  ///< [destinations, sources]
  std::int64_t sources = 0;
  /// Copies of the arrays on the device that made them. They go before the arrays go.
  std::vector<Mirror> placed = {};
  std::int64_t destinations() const { return csr.n(); }
};

/// One rank's share of one mini-batch.
struct Batch {
  std::int64_t epoch = 0;
  std::int64_t step = 0;          ///< global step: the Philox counter of every draw in it
  std::int64_t global_seeds = 0;  ///< of all ranks: the gradient's denominator
  /// All nodes, the seeds first, then new sources in order of first appearance by (destination, slot), hop by
  /// hop; the sources of hop h are a prefix.
  Array<GlobalId> nodes;
  Array<StoreId> store_ids;  ///< [nodes], as `degrees` unless the sampler was told to leave both out
  Array<std::int64_t>
      degrees;  ///< [nodes] full-graph in-degrees, stored self-loops not counted when excluded
  /// blocks[0] feeds the first layer of the model (the last hop), blocks.back() makes the seeds.
  std::vector<Block> blocks;
  Matrix features;             ///< [nodes, F], decoded to fp32; on the device that the batch is for
  Array<std::int64_t> labels;  ///< [seeds]
  Array<float> multi_labels;   ///< [seeds, classes] or empty
  std::vector<Mirror> placed;  ///< copies of `nodes` and `store_ids` on the device that made them
  std::int64_t seeds() const { return blocks.empty() ? 0 : blocks.back().destinations(); }
};

}  // namespace kith
