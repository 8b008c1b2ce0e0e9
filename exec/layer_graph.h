#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "kith/core/ids.h"
#include "kith/graph/csr.h"
#include "kith/kernels/spmm.h"

namespace kith {

class HaloExchange;

/// What a model's layers want with a node's edge to itself.
enum class SelfEdges {
  as_stored,      ///< a stored self-loop is a neighbour like any other (GraphSAGE)
  implied,        ///< stored ones are dropped; the kernel's self term counts each node once (GCN)
  explicit_edges  ///< stored ones are dropped, and every row ends with an edge to itself (GAT)
};

/// What one layer sees, in every regime: destinations × sources, destinations first among the sources. In
/// mini-batches all sources are at hand; full-graph on several ranks, the sources behind the owned rows are
/// halo rows that a HaloExchange brings.
class LayerGraph {
 public:
  struct Arrays {
    CsrView<std::int32_t> csr;
    std::int64_t sources = 0;
    std::span<const StoreId> store_ids;  ///< [sources]
    std::span<const std::int64_t>
        degrees;  ///< [sources] full-graph in-degrees without self-edges of any kind
    SelfEdges self_edges = SelfEdges::as_stored;
    HaloExchange* halo = nullptr;  ///< full-graph on several ranks
    /// values[i] becomes its sum over the ranks whose destinations are one graph; empty: this rank alone.
    std::function<void(std::span<double>)> sum_over_ranks{};
    int independent_ranks = 1;  ///< in mini-batches: how many ranks have a graph of their own
    Backend on = Cpu{};         ///< whose kernels will read the arrays
  };
  /// The arrays must outlive it.
  explicit LayerGraph(const Arrays& arrays);

  std::int64_t destinations() const { return arrays_.csr.n(); }
  std::int64_t sources() const { return arrays_.sources; }
  CsrView<std::int32_t> csr() const { return arrays_.csr; }
  std::span<const StoreId> store_ids() const { return arrays_.store_ids; }
  HaloExchange* halo() const { return arrays_.halo; }
  /// Collective where the graph lies on several ranks.
  void sum_over_ranks(std::span<double> values) const {
    if (arrays_.sum_over_ranks) arrays_.sum_over_ranks(values);
  }
  int independent_ranks() const { return arrays_.independent_ranks; }
  /// Made when first asked for; without `edge` until somebody has asked for it.
  const TransposedCsr& transpose() const;
  const TransposedCsr& transpose_with_edges() const;

  /// With halo rows: the destinations all of whose sources are owned, the others, and the two kinds of source
  /// rows.
  std::span<const std::int32_t> interior_rows() const;
  std::span<const std::int32_t> boundary_rows() const;
  std::span<const std::int32_t> owned_sources() const;
  std::span<const std::int32_t> halo_sources() const;

  /// With halo rows: the entries whose sources are owned, which need no arrivals, and those of the halo,
  /// whose columns count from its first row. Made when first asked for.
  struct BySource {
    Csr32 owned, halo;
  };
  const BySource& by_source() const;

  /// y = mean over the row; y = Σ over the row.
  SpmmScales mean_scales() const;
  /// D^-1/2 (A + I) D^-1/2 with full-graph degrees; a sampled row is scaled by degree / sampled, so that it
  /// is unbiased and, with all neighbours, exact.
  SpmmScales gcn_scales() const;

  /// `x` (all sources' rows) is the same in every pass, so what is aggregated of it is made once and kept.
  /// The memory must outlive the graph.
  void keep_aggregates_of(ConstTensor x) { kept_input_ = x; }
  /// The same for the destinations' rows alone, whose sums over all sources `make` knows.
  using InputSum = std::function<Matrix(const Backend& on, const SpmmScales& scales)>;
  void keep_aggregates_of(ConstTensor x, InputSum make) {
    kept_input_ = x;
    input_sum_ = std::move(make);
  }
  const InputSum& input_sum() const { return input_sum_; }
  bool keeps_aggregates_of(ConstTensor x) const { return x.data != nullptr && x.data == kept_input_.data; }
  /// The aggregate of the kept input by these scales of this graph; `make` when first asked for.
  ConstTensor kept_aggregate(const SpmmScales& scales, const std::function<Matrix()>& make) const;

 private:
  void split_rows() const;
  /// For arrays that stay as they are: the backend's kernels need not fetch them every time.
  template <class T>
  void mirror(std::span<const T> values) const {
    mirrors_.push_back(mirrored(arrays_.on, values));
  }
  void mirror_transpose() const;

  Arrays arrays_;
  mutable std::optional<TransposedCsr> transpose_;
  mutable Array<std::int32_t> split_;  ///< the interior rows, then the boundary
  mutable std::size_t interior_ = 0;
  mutable Array<std::int32_t> source_rows_;
  mutable std::optional<BySource> by_source_;
  mutable Array<float> mean_;
  mutable Array<float> gcn_row_, gcn_col_, gcn_self_;
  ConstTensor kept_input_;
  InputSum input_sum_;
  struct Kept {
    const float *row_scale, *col_scale;  ///< which scales they are
    Matrix aggregate;
  };
  mutable std::vector<Kept> kept_;
  // Behind the arrays, so that they go first.
  mutable std::vector<Mirror> mirrors_, transpose_mirrors_;
};

/// The layers' graphs of one forward pass: element l is layer l's.
class LayerGraphs {
 public:
  explicit LayerGraphs(std::span<const LayerGraph> per_layer) : graphs_(per_layer) {}
  /// The same graph for every layer (full graph).
  LayerGraphs(const LayerGraph& all, int layers) : LayerGraphs({&all, &all, &all}, layers) {}
  /// One for the first layer, one for the second and one for all behind them.
  LayerGraphs(const std::array<const LayerGraph*, 3>& leading, int layers)
      : leading_(leading), layers_(layers) {}

  int layers() const { return leading_[0] != nullptr ? layers_ : static_cast<int>(graphs_.size()); }
  const LayerGraph& operator[](int layer) const {
    const auto place = static_cast<std::size_t>(layer);
    return leading_[0] != nullptr ? *leading_[std::min<std::size_t>(place, 2)] : graphs_[place];
  }

 private:
  std::span<const LayerGraph> graphs_;
  std::array<const LayerGraph*, 3> leading_{};
  int layers_ = 0;
};

}  // namespace kith
