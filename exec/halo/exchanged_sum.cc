// Forward sums over owned sources, in all rows, while the others' rows travel, and adds those when they are
// there; backward computes the gradients of what was fetched first and the owned rows' while those travel.
// The order of additions is the same under every schedule, so all give the same bits.
//
// With a plan of sums the rows sent are S = E diag(columns) x for the edges E that this rank sums over, and
// arrivals are sources of weight one; backward adds Eᵀ dS.
#include "kith/exec/halo/exchanged_sum.h"

#include <utility>

namespace kith {
namespace {

/// The scales of a rank's rows, which stand behind the owned ones.
std::span<const float> of_peer(std::span<const float> scales, std::int64_t owned,
                               const HaloExchange::Peer& peer) {
  return scales.empty() ? scales
                        : scales.subspan(static_cast<std::size_t>(owned + peer.first),
                                         static_cast<std::size_t>(peer.rows));
}

}  // namespace

Crossing ExchangedSum::crossing() const {
  if (!scales.weights.empty()) return Crossing::rows;
  const SumPlan* plan = graph->halo()->sums(layer);
  const bool pays = plan == nullptr || !zeros || plan->pays(graph->halo()->share_of_sparse_rows());
  return pays ? Crossing::sums : Crossing::rows;
}

ExchangedSum::Seen ExchangedSum::seen() const {
  const SumPlan* plan = crossing() == Crossing::sums ? graph->halo()->sums(layer) : nullptr;
  if (plan == nullptr) return {nullptr, *graph, {}, scales};
  Seen seen{plan, *plan->graph, plan->column_scale(scales.col_scale), scales};
  seen.scales.col_scale = seen.columns.span();
  return seen;
}

std::span<const float> ExchangedSum::own_columns() const {
  const auto owned = static_cast<std::size_t>(graph->destinations());
  return scales.col_scale.empty() ? scales.col_scale : scales.col_scale.first(owned);
}

SpmmScales ExchangedSum::adjoint(const Seen& seen, const TransposedCsr& transpose, float beta) const {
  SpmmScales adjoint = seen.scales;
  std::swap(adjoint.row_scale, adjoint.col_scale);
  if (!scales.weights.empty()) adjoint.edge = transpose.edge;
  adjoint.beta = beta;
  return adjoint;
}

Matrix ExchangedSum::forward(const Backend& on, ConstTensor x) const {
  if (in_rounds()) return forward_in_rounds(on, x);
  if (const ReplicatedPlan* plan = replicated()) return forward_replicated(on, x, *plan);
  const Seen seen = this->seen();
  const HaloPass pass{.layer = layer, .step = step, .what = crossing(), .zeros = zeros};
  HaloExchange::Flight flight;
  if (seen.plan == nullptr) {
    flight = graph->halo()->start_fetch(on, x, pass);
  } else {
    Matrix sums(seen.plan->sent.n(), x.cols);
    spmm(on, seen.plan->sent, {.col_scale = own_columns()}, x, sums);
    flight = graph->halo()->start_fetch(on, sums, pass);
  }
  Matrix y(graph->destinations(), x.cols);
  if (scales.weights.empty()) {
    add_by_source(on, seen, x, std::move(flight), y);
    return y;
  }
  SourceRows sources(on, seen.graph, x, std::move(flight));
  const auto compute = [&](std::span<const std::int32_t> rows) {
    spmm_rows(on, seen.graph.csr(), rows, seen.scales, sources.all(), y);
  };
  sources.cover(compute, [] {});
  return y;
}

void ExchangedSum::add_by_source(const Backend& on, const Seen& seen, ConstTensor x,
                                 HaloExchange::Flight flight, Tensor y) const {
  HaloExchange& halo = *graph->halo();
  const LayerGraph::BySource& parts = seen.graph.by_source();
  if (!halo.overlaps()) halo.wait(flight);
  SpmmScales own = seen.scales;
  own.col_scale = own_columns();
  SourceRows::over_pieces(seen.graph.owned_sources(), flight, [&](std::span<const std::int32_t> rows) {
    spmm_rows(on, parts.owned, rows, own, x, y);
  });
  if (leaves_out_rows(on, flight.pass())) return add_crossing(on, seen, flight, y);
  Matrix arrived(seen.graph.sources() - graph->destinations(), x.cols);
  const HaloExchange::Alive alive(halo, arrived.rows());
  halo.finish_fetch(on, flight, arrived);
  SpmmScales others{.row_scale = seen.scales.row_scale, .beta = 1};
  if (!seen.scales.col_scale.empty())
    others.col_scale = seen.scales.col_scale.subspan(static_cast<std::size_t>(graph->destinations()));
  spmm_rows(on, parts.halo, seen.graph.boundary_rows(), others, arrived, y);
}

HaloExchange::Flight ExchangedSum::start_return(const Backend& on, const Seen& seen,
                                                const TransposedCsr& transpose, ConstTensor dy) const {
  HaloExchange& halo = *graph->halo();
  const HaloPass pass{.layer = layer, .backward = true, .step = step, .what = crossing()};
  const SpmmScales by_source = adjoint(seen, transpose, 0);
  if (scales.weights.empty() && leaves_out_rows(on, pass))
    return return_crossing(on, pass, transpose, by_source, dy);
  Matrix gradient(seen.graph.sources(), dy.cols);
  const HaloExchange::Alive alive(halo, gradient.rows() - graph->destinations());
  spmm_rows(on, transpose.csr, seen.graph.halo_sources(), by_source, dy, gradient);
  return halo.start_return(on, gradient.view().row_range(graph->destinations(), seen.graph.sources()), pass);
}

void ExchangedSum::backward(const Backend& on, ConstTensor dy, GradientSlot dx) const {
  if (in_rounds()) return backward_in_rounds(on, dy, dx);
  if (const ReplicatedPlan* plan = replicated()) return backward_replicated(on, dy, dx, *plan);
  const Seen seen = this->seen();
  HaloExchange& halo = *graph->halo();
  const TransposedCsr& transpose =
      scales.weights.empty() ? seen.graph.transpose() : seen.graph.transpose_with_edges();
  const std::int64_t owned = graph->destinations();
  HaloExchange::Flight flight = start_return(on, seen, transpose, dy);
  if (!halo.overlaps()) halo.wait(flight);
  const CsrView<std::int32_t> owned_rows{
      transpose.csr.indptr.span().first(static_cast<std::size_t>(owned) + 1), transpose.csr.indices.span()};
  const SpmmScales own = adjoint(seen, transpose, dx.beta);
  SourceRows::over_pieces(seen.graph.owned_sources(), flight, [&](std::span<const std::int32_t> rows) {
    spmm_rows(on, owned_rows, rows, own, dy, dx.tensor);
  });
  if (seen.plan == nullptr) return halo.finish_return(on, flight, dx.tensor);
  Matrix dsums(seen.plan->sent.n(), dy.cols, 0.0f);
  halo.finish_return(on, flight, dsums);
  spmm(on, seen.plan->sent_by_row, {.row_scale = own_columns(), .beta = 1}, dsums, dx.tensor);
}

// In rounds a row's sum is taken block by block: its own sources, then each rank's in the order in which they
// come, which is the same in every run.
Matrix ExchangedSum::forward_in_rounds(const Backend& on, ConstTensor x) const {
  const Seen seen = this->seen();
  HaloExchange& halo = *graph->halo();
  const HaloPass pass{.layer = layer, .step = step, .what = crossing(), .zeros = zeros};
  const OwnerBlocks& blocks = halo.blocks(seen.graph, pass);
  const std::int64_t owned = graph->destinations();
  Matrix y(owned, x.cols);
  SpmmScales own = seen.scales;
  own.col_scale = own_columns();
  spmm(on, blocks.own, own, x, y);
  Matrix sums(seen.plan != nullptr ? seen.plan->sent.n() : 0, x.cols);
  if (seen.plan != nullptr) spmm(on, seen.plan->sent, {.col_scale = own_columns()}, x, sums);
  const auto add = [&](const HaloExchange::Peer& peer, ConstTensor rows) {
    spmm(on, blocks.of_rank[static_cast<std::size_t>(peer.rank.value())],
         {.row_scale = seen.scales.row_scale,
          .col_scale = of_peer(seen.scales.col_scale, owned, peer),
          .beta = 1},
         rows, y);
  };
  halo.fetch_rounds(on, seen.plan != nullptr ? std::as_const(sums).view() : x, pass, add);
  return y;
}

void ExchangedSum::backward_in_rounds(const Backend& on, ConstTensor dy, GradientSlot dx) const {
  const Seen seen = this->seen();
  HaloExchange& halo = *graph->halo();
  const TransposedCsr& transpose = seen.graph.transpose();
  const std::int64_t owned = graph->destinations();
  const auto indptr = transpose.csr.indptr.span();
  const auto make = [&](const HaloExchange::Peer& peer, ConstTensor, Tensor rows) {
    const auto part =
        indptr.subspan(static_cast<std::size_t>(owned + peer.first), static_cast<std::size_t>(peer.rows) + 1);
    spmm(on, {part, transpose.csr.indices.span()},
         {.row_scale = of_peer(seen.scales.col_scale, owned, peer), .col_scale = seen.scales.row_scale}, dy,
         rows);
  };
  const auto own_rows = [&] {
    SpmmScales own = adjoint(seen, transpose, dx.beta);
    spmm(on, {indptr.first(static_cast<std::size_t>(owned) + 1), transpose.csr.indices.span()}, own, dy,
         dx.tensor);
  };
  const HaloPass pass{.layer = layer, .backward = true, .step = step, .what = crossing()};
  if (seen.plan == nullptr)
    return halo.return_rounds(on, pass, {.make = make, .meanwhile = own_rows}, dx.tensor);
  Matrix dsums(seen.plan->sent.n(), dy.cols, 0.0f);
  halo.return_rounds(on, pass, {.make = make, .meanwhile = own_rows}, dsums);
  spmm(on, seen.plan->sent_by_row, {.row_scale = own_columns(), .beta = 1}, dsums, dx.tensor);
}

}  // namespace kith
