#pragma once
#include <cstdint>
#include <vector>

#include "kith/datasets/partitioned_store.h"
#include "kith/exec/layer_graph.h"
#include "kith/exec/train_options.h"
#include "kith/sampler/ownership.h"

namespace kith {

/// One rank's share of the data, in numbers: what a run's memory depends on beside its settings.
struct RankShape {
  std::int64_t owned = 0, halo = 0;
  std::int64_t edges = 0;           ///< stored in-edges of the owned nodes
  std::int64_t self_loops = 0;      ///< of these; where the store knows their number only, its share
  std::int64_t sent_rows = 0;       ///< Σ over the other ranks of the owned rows that they need
  std::int64_t part_halo = 0;       ///< Σ of its parts' own halos
  std::int64_t split = 0;           ///< its train, valid and test nodes
  std::int64_t mapped_bytes = 0;    ///< of its own parts' files
  std::int64_t topology_bytes = 0;  ///< of the other parts' rows
};
/// From sizes and halos alone. O(k + this rank's halo).
RankShape rank_shape(const PartitionedStore& parts, const Ownership& ownership, Rank rank);
/// Of one of `ranks` equal ranks when every node is given to a random one. Its halo is an upper bound of what
/// a partitioner leaves: Σ over nodes of the chance that a neighbour lies here. `whole` has one part. O(n).
RankShape shape_of_random_cut(const PartitionedStore& whole, int ranks);

/// What the data are, whoever has them.
struct DataShape {
  std::int64_t nodes = 0, edges = 0, train = 0;
  std::int64_t features = 0, feature_row_bytes = 0;
  double feature_density = 1;  ///< sampled
  std::int64_t classes = 0;
  bool multi_label = false, scaled_rows = false;  ///< int8 rows have a scale each
};
DataShape data_shape(const PartitionedStore& parts);

/// What one rank's share of a mini-batch holds; blocks as in Batch.
struct BatchShape {
  struct BlockShape {
    std::int64_t destinations = 0, sources = 0, edges = 0;
  };
  std::vector<BlockShape> blocks;
  std::int64_t remote = 0;  ///< nodes of others
  std::int64_t nodes() const { return blocks.empty() ? 0 : blocks.front().sources; }
};
/// The largest of the first few batches that training will sample for a rank that owns the global ids
/// [first, end).
BatchShape largest_batch(const PartitionedStore& parts, std::int64_t first, std::int64_t end,
                         const TrainOptions& options, SelfEdges self_edges);

/// All that an estimate of one rank's memory is made from.
struct RunShape {
  DataShape data;
  RankShape rank;
  BatchShape batch;  ///< in mini-batches
  int ranks = 1;
  std::int64_t program_bytes = 0;  ///< what the process takes before it loads anything
};
/// Of a rank of a run over these parts.
RunShape run_shape(const PartitionedStore& parts, int ranks, Rank rank, const TrainOptions& options,
                   SelfEdges self_edges);
/// The same of one of `ranks` ranks after a random cut of a store.
RunShape shape_of_random_run(const PartitionedStore& whole, int ranks, const TrainOptions& options,
                             SelfEdges self_edges);

}  // namespace kith
