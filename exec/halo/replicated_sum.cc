// A sum in 1.5 dimensions. Rows are weighted before they leave, so that a rank of the group sums what arrives
// as it is, for the others of the group and for itself; its own destinations' weights come last, at the
// owner. What this rank sums of its own and of what arrives comes first, then the others' sums by rank, in
// one order.
#include <utility>

#include "kith/exec/halo/exchanged_sum.h"
#include "kith/kernels/dense.h"

namespace kith {

const ReplicatedPlan* ExchangedSum::replicated() const {
  return crossing() == Crossing::sums ? graph->halo()->replicated(layer) : nullptr;
}

HaloPass ExchangedSum::message(HaloPart part) const {
  return {.layer = layer, .step = step, .what = Crossing::sums, .part = part};
}

Matrix ExchangedSum::forward_replicated(const Backend& on, ConstTensor x, const ReplicatedPlan& plan) const {
  HaloExchange& halo = *graph->halo();
  const Array<float> columns = plan.column_scale(scales.col_scale);
  SpmmScales weighted = scales;
  weighted.col_scale = columns.span();
  Matrix sent(scales.col_scale.empty() ? 0 : x.rows, x.cols);
  if (sent.rows() > 0) spmm(on, plan.each, {.col_scale = own_columns()}, x, sent);
  auto rows = halo.start_fetch(on, scales.col_scale.empty() ? x : std::as_const(sent).view(),
                               message(HaloPart::rows));
  SourceRows sources(on, *plan.graph, x, std::move(rows));
  Matrix y(graph->destinations(), x.cols), made(plan.sums.owned, x.cols);
  HaloExchange::Flight sums;
  sources.cover(
      [&](std::span<const std::int32_t> some) { spmm_rows(on, plan.csr, some, weighted, sources.all(), y); },
      [&] {
        spmm(on, plan.sent, {.col_scale = columns.span()}, sources.all(), made);
        sums = halo.start_fetch(on, made, message(HaloPart::partials));
        if (!halo.overlaps()) halo.wait(sums);
      });
  Matrix arrived(plan.sums.halo, x.cols);
  halo.finish_fetch(on, sums, arrived);
  spmm(on, plan.merge, {.row_scale = scales.row_scale, .beta = 1}, arrived, y);
  return y;
}

void ExchangedSum::backward_replicated(const Backend& on, ConstTensor dy, GradientSlot dx,
                                       const ReplicatedPlan& plan) const {
  HaloExchange& halo = *graph->halo();
  const std::int64_t owned = graph->destinations(), all = plan.graph->sources();
  const Array<float> columns = plan.column_scale(scales.col_scale);
  Matrix returned(plan.sums.halo, dy.cols);
  spmm(on, plan.merge_graph->transpose().csr, {.col_scale = scales.row_scale}, dy, returned);
  auto sums = halo.start_return(on, returned, message(HaloPart::partials));
  if (!halo.overlaps()) halo.wait(sums);
  SpmmScales adjoint = scales;
  adjoint.row_scale = columns.span();
  adjoint.col_scale = scales.row_scale;
  Matrix gradient(all, dy.cols), made(plan.sums.owned, dy.cols, 0.0f);
  spmm(on, plan.graph->transpose().csr, adjoint, dy, gradient);
  halo.finish_return(on, sums, made);
  spmm(on, plan.sent_graph->transpose().csr, {.row_scale = columns.span(), .beta = 1}, made, gradient);
  auto rows = halo.start_return(on, gradient.view().row_range(owned, all), message(HaloPart::rows));
  axpby(on, 1, gradient.view().row_range(0, owned), dx.beta, dx.tensor);
  if (scales.col_scale.empty()) return halo.finish_return(on, rows, dx.tensor);
  Matrix weighted(owned, dy.cols, 0.0f);
  halo.finish_return(on, rows, weighted);
  spmm(on, plan.each, {.row_scale = own_columns(), .beta = 1}, weighted, dx.tensor);
}

}  // namespace kith
