#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "kith/comm/row_exchange.h"
#include "kith/exec/layer_graph.h"
#include "kith/sampler/owned_data.h"

namespace kith {

/// All nodes and edges, rows and columns by global id.
struct WholeGraph {
  Csr32 csr;
  Array<StoreId> ids;                 ///< [nodes]
  std::unique_ptr<LayerGraph> graph;  ///< of `csr`
};

/// Which columns of all nodes' rows are whose: rank r has the r-th of as many runs of equal width as there
/// are ranks; the last may be shorter, or nothing.
class ColumnPlan {
 public:
  /// The store behind `owned`, which must outlive it, has every part.
  ColumnPlan(const OwnedData& owned, const Ownership& ownership, int ranks, SelfEdges self_edges, Backend on);

  int ranks() const { return static_cast<int>(first_.size()) - 1; }
  int self() const { return self_; }
  std::int64_t nodes() const { return first_.back(); }
  std::int64_t first(int rank) const { return first_[static_cast<std::size_t>(rank)]; }
  std::int64_t owned(int rank) const { return first(rank + 1) - first(rank); }
  std::int64_t width(std::int64_t cols) const { return (cols + ranks() - 1) / ranks(); }
  std::int64_t first_column(int rank, std::int64_t cols) const;
  /// How many columns are a rank's.
  std::int64_t columns(int rank, std::int64_t cols) const;

  /// Rows of that width on their way to the owners of columns; the way back is the reverse. Nothing to
  /// itself.
  RowCounts to_columns(std::int64_t cols) const;

  /// A rank's run of the whole graph's edges, of which it sums what ranks have of each.
  struct Edges {
    std::int64_t begin = 0, end = 0;
    std::int64_t count() const { return end - begin; }
  };
  Edges edges(int rank) const {
    const std::int64_t m = whole().csr.m();
    return {m * rank / ranks(), m * (rank + 1) / ranks()};
  }

  /// Read from the store when first asked for.
  const WholeGraph& whole() const;
  /// This rank's rows without an edge: by its self term spmm scales rows.
  const Csr32& no_edges() const { return no_edges_; }

 private:
  const PartitionedStore* store_;
  SelfEdges self_edges_;
  Backend on_;
  int self_;
  std::vector<std::int64_t> first_;  ///< [ranks + 1] global ids
  Csr32 no_edges_;
  mutable std::unique_ptr<WholeGraph> whole_;
};

}  // namespace kith
