#pragma once
#include "kith/exec/gradients.h"
#include "kith/exec/halo/halo_exchange.h"
#include "kith/exec/layer_graph.h"
#include "kith/exec/tape.h"

namespace kith {

/// The rows of all sources of a full graph, while those of the halo are under way.
class SourceRows {
 public:
  /// Copies x [destinations, d] and starts its exchange; counted under the pass's layer.
  SourceRows(const Backend& on, const LayerGraph& graph, ConstTensor x, const HaloPass& pass);
  /// The same for an exchange that was started.
  SourceRows(const Backend& on, const LayerGraph& graph, ConstTensor x, HaloExchange::Flight flight);

  Tensor all() { return all_; }
  Matrix take() && { return std::move(all_); }
  /// Waits for the arrivals, with nothing to compute meanwhile.
  Matrix arrived() && {
    fetch();
    return std::move(all_);
  }

  /// Covers every destination row once: compute(rows) on pieces of the rows that need no arrivals while
  /// messages move, then on the rest. `arrived()` runs in between, when all source rows are in place. Under a
  /// synchronous schedule all rows are "the rest".
  template <class Compute, class Arrived>
  void cover(Compute&& compute, Arrived&& arrived) {
    const bool overlap = graph_->halo()->overlaps();
    if (overlap) over_pieces(graph_->interior_rows(), flight_, compute);
    fetch();
    arrived();
    if (!overlap && !graph_->interior_rows().empty()) compute(graph_->interior_rows());
    if (!graph_->boundary_rows().empty()) compute(graph_->boundary_rows());
  }

  /// compute(piece) for about eight runs of `rows`, with progress in between.
  template <class Compute>
  static void over_pieces(std::span<const std::int32_t> rows, HaloExchange::Flight& flight,
                          Compute&& compute) {
    constexpr std::size_t kPieces = 8;
    const std::size_t size = rows.size() / kPieces + 1;
    for (std::size_t begin = 0; begin < rows.size(); begin += size) {
      compute(rows.subspan(begin, std::min(size, rows.size() - begin)));
      flight.progress();
    }
  }

 private:
  void fetch() {
    graph_->halo()->finish_fetch(on_, flight_,
                                 all_.view().row_range(graph_->destinations(), graph_->sources()));
  }

  Backend on_;
  const LayerGraph* graph_;
  Matrix all_;
  HaloExchange::Flight flight_;
};

/// The backward pass of the exchange: of gradients of all sources' rows, `all` [sources, d], the halo's go to
/// their owners, and dx [destinations, d] gets this rank's own with those that arrive.
void return_gradients(const Backend& on, const LayerGraph& graph, ConstTensor all, const HaloPass& pass,
                      GradientSlot dx);

/// Whether x holds the rows of the destinations alone, so that the others must be fetched. The same on every
/// rank, also on one without a halo, where the features have no more rows than what is made of them.
bool needs_exchange(const LayerGraph& graph, const Var& x);

}  // namespace kith
