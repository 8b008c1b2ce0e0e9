// Forward is y = A x and backward dx = Aᵀ dy, both by the pull kernel: Aᵀ is stored, nothing is scattered. On
// several ranks the columns of A are owned and halo nodes: forward fetches the halo rows while the interior
// rows are computed; backward computes the halo's gradient rows first and the owned ones while those travel.
// Every row of y and dx is one kernel row, and arrivals are added after the own part by rank, so both
// schedules give the same bits.
#include "kith/exec/halo/source_rows.h"
#include "kith/exec/ops.h"

namespace kith {
namespace {

const TransposedCsr& transpose_for(const LayerGraph& graph, const SpmmScales& scales) {
  return scales.weights.empty() ? graph.transpose() : graph.transpose_with_edges();
}

SpmmScales adjoint_of(const SpmmScales& scales, const TransposedCsr& transpose, float beta) {
  SpmmScales adjoint = scales;
  std::swap(adjoint.row_scale, adjoint.col_scale);
  if (!scales.weights.empty()) adjoint.edge = transpose.edge;
  adjoint.beta = beta;
  return adjoint;
}

Matrix aggregate_exchanged(const Backend& on, const LayerGraph& graph, ConstTensor x,
                           const SpmmScales& scales, int layer, std::uint32_t step) {
  SourceRows sources(on, graph, x, layer, step);
  Matrix y(graph.destinations(), x.cols);
  auto compute = [&](std::span<const std::int32_t> rows) {
    spmm_rows(on, graph.csr(), rows, scales, sources.all(), y);
  };
  sources.cover(compute, [] {});
  return y;
}

void return_exchanged(const Backend& on, const LayerGraph& graph, ConstTensor dy, const SpmmScales& scales,
                      int layer, std::uint32_t step, GradientSlot dx) {
  HaloExchange& halo = *graph.halo();
  const TransposedCsr& transpose = transpose_for(graph, scales);
  const std::int64_t owned = graph.destinations();
  Matrix gradient(graph.sources(), dy.cols);
  spmm_rows(on, transpose.csr, graph.halo_sources(), adjoint_of(scales, transpose, 0), dy, gradient);
  auto flight = halo.start_return(on, gradient.view().row_range(owned, graph.sources()), layer, step);
  if (!halo.overlaps()) halo.wait(flight);
  const CsrView<std::int32_t> owned_rows{
      transpose.csr.indptr.span().first(static_cast<std::size_t>(owned) + 1), transpose.csr.indices.span()};
  const SpmmScales adjoint = adjoint_of(scales, transpose, dx.beta);
  SourceRows::over_pieces(graph.owned_sources(), flight, [&](std::span<const std::int32_t> rows) {
    spmm_rows(on, owned_rows, rows, adjoint, dy, dx.tensor);
  });
  halo.finish_return(on, flight, dx.tensor);
}

}  // namespace

Var aggregate(Tape& tape, const LayerGraph& graph, const Var& x, const SpmmScales& scales) {
  if (graph.keeps_aggregates_of(x.value()))
    return tape.constant(graph.kept_aggregate(scales, [&] {
      Matrix y(graph.destinations(), x.cols());
      spmm(tape.on(), graph.csr(), scales, x.value(), y);
      return y;
    }));
  if (!needs_exchange(graph, x.rows())) {
    Matrix y(graph.destinations(), x.cols());
    spmm(tape.on(), graph.csr(), scales, x.value(), y);
    return tape.record(
        std::move(y), {x},
        [id = x.id(), &graph, scales](const Backend& on, ConstTensor dy, Gradients& gradients) {
          auto dx = gradients.slot(id);
          if (!dx) return;
          const TransposedCsr& transpose = transpose_for(graph, scales);
          spmm(on, transpose.csr, adjoint_of(scales, transpose, dx.beta), dy, dx.tensor);
        });
  }
  const int layer = tape.next_exchange();
  const std::uint32_t step = tape.step();
  Matrix y = aggregate_exchanged(tape.on(), graph, x.value(), scales, layer, step);
  return tape.record(
      std::move(y), {x},
      [id = x.id(), &graph, scales, layer, step](const Backend& on, ConstTensor dy, Gradients& gradients) {
        if (auto dx = gradients.slot(id)) return_exchanged(on, graph, dy, scales, layer, step, dx);
      });
}

Var mean(Tape& tape, const LayerGraph& graph, const Var& x) {
  return aggregate(tape, graph, x, graph.mean_scales());
}
Var sum(Tape& tape, const LayerGraph& graph, const Var& x) { return aggregate(tape, graph, x, {}); }
Var gcn_aggregate(Tape& tape, const LayerGraph& graph, const Var& x) {
  return aggregate(tape, graph, x, graph.gcn_scales());
}

}  // namespace kith
