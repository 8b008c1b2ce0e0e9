#include "kith/exec/halo/column_ops.h"

#include <utility>

#include "kith/kernels/dense.h"
#include "kith/kernels/max.h"

namespace kith {
namespace {

/// y = scale ∘ x + beta y, row by row; an empty scale is all ones.
void scale_rows(const Backend& on, const ColumnPlan& plan, std::span<const float> scale, ConstTensor x,
                float beta, Tensor y) {
  if (scale.empty()) return axpby(on, 1, x, beta, y);
  spmm(on, plan.no_edges(), {.self_scale = scale, .beta = beta}, x, y);
}

}  // namespace

void ColumnSum::sum(const Backend& on, const Ends& ends, const HaloPass& message, ConstTensor x, float beta,
                    Tensor y) const {
  HaloExchange& halo = *graph->halo();
  const ColumnPlan& plan = *halo.columns();
  halo.begin_columns(message, x.cols);
  Matrix scaled(ends.in.empty() ? 0 : x.rows, x.cols);
  if (!ends.in.empty()) scale_rows(on, plan, ends.in, x, 0, scaled);
  const Matrix all = halo.columns_of_all(on, ends.in.empty() ? x : std::as_const(scaled).view(), message);
  Matrix summed(all.rows(), all.cols());
  if (all.rows() > 0) spmm(on, *ends.edges, {}, all, summed);
  Matrix back(x.rows, x.cols);
  halo.rows_of_columns(on, summed, message, back);
  scale_rows(on, plan, ends.out, back, beta, y);
  if (!scales.self_scale.empty()) scale_rows(on, plan, scales.self_scale, x, 1, y);
}

Matrix ColumnSum::forward(const Backend& on, ConstTensor x) const {
  const auto owned = static_cast<std::size_t>(graph->destinations());
  const std::span<const float> columns =
      scales.col_scale.empty() ? scales.col_scale : scales.col_scale.first(owned);
  Matrix y(x.rows, x.cols);
  sum(on, {columns, scales.row_scale, &graph->halo()->columns()->whole().csr}, pass, x, 0, y);
  return y;
}

void ColumnSum::backward(const Backend& on, ConstTensor dy, GradientSlot dx) const {
  const auto owned = static_cast<std::size_t>(graph->destinations());
  const std::span<const float> columns =
      scales.col_scale.empty() ? scales.col_scale : scales.col_scale.first(owned);
  HaloPass message = pass;
  message.backward = true;
  const Csr32& edges = graph->halo()->columns()->whole().graph->transpose().csr;
  sum(on, {scales.row_scale, columns, &edges}, message, dy, dx.beta, dx.tensor);
}

Matrix ColumnMaximum::forward(const Backend& on, ConstTensor x) {
  HaloExchange& halo = *graph_->halo();
  halo.begin_columns(pass_, x.cols);
  const Matrix all = halo.columns_of_all(on, x, pass_);
  slots_ = Array<std::int32_t>(static_cast<std::size_t>(all.size()));
  Matrix largest(all.rows(), all.cols());
  if (all.rows() > 0) row_maximum(on, halo.columns()->whole().csr, {}, all, largest, slots_.span());
  Matrix y(x.rows, x.cols);
  halo.rows_of_columns(on, largest, pass_, y);
  return y;
}

void ColumnMaximum::backward(const Backend& on, ConstTensor dy, GradientSlot dx) const {
  HaloExchange& halo = *graph_->halo();
  HaloPass message = pass_;
  message.backward = true;
  halo.begin_columns(message, dy.cols);
  const Matrix all = halo.columns_of_all(on, dy, message);
  const WholeGraph& whole = halo.columns()->whole();
  Matrix gradient(all.rows(), all.cols());
  if (all.rows() > 0)
    row_maximum_backward(on, whole.csr, whole.graph->transpose_with_edges(), slots_.span(), all, 0, gradient);
  Matrix back(dy.rows, dy.cols);
  halo.rows_of_columns(on, gradient, message, back);
  axpby(on, 1, back, dx.beta, dx.tensor);
}

}  // namespace kith
