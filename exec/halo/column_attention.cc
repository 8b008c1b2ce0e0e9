#include "kith/exec/halo/column_attention.h"

#include <utility>

#include "kith/exec/halo/halo_exchange.h"
#include "kith/kernels/dense.h"

namespace kith {
namespace {

Matrix taken(const Backend& on, ConstTensor from) {
  Matrix to(from.rows, from.cols);
  axpby(on, 1, from, 0, to);
  return to;
}

HaloPass backward_of(HaloPass pass) {
  pass.backward = true;
  return pass;
}

const WholeGraph& whole_of(const LayerGraph& graph) { return graph.halo()->columns()->whole(); }

EdgeDropout of_all(const LayerGraph& graph, EdgeDropout mask) {
  mask.destinations = whole_of(graph).ids.span();
  return mask;
}

ColumnHeads columns_of_heads(const LayerGraph& graph, const HaloPass& pass, std::int64_t cols) {
  return {graph.halo()->columns()->ranks(), pass.heads, cols};
}

std::span<float> values_of(Matrix& matrix) {
  return {matrix.data(), static_cast<std::size_t>(matrix.size())};
}
std::span<const float> values_of(const Matrix& matrix) {
  return {matrix.data(), static_cast<std::size_t>(matrix.size())};
}

}  // namespace

ColumnAttention::ColumnAttention(const LayerGraph& graph, const HaloPass& pass, float slope,
                                 const EdgeDropout& mask)
    : graph_(&graph), pass_(pass), slope_(slope), mask_(of_all(graph, mask)) {}

ColumnHeads ColumnAttention::columns(std::int64_t cols) const {
  return columns_of_heads(*graph_, pass_, cols);
}

GatAttention ColumnAttention::over() const {
  return {.left = left_, .right = right_, .x = x_, .slope = slope_, .dropout = mask_};
}

Matrix ColumnAttention::forward(const Backend& on, ConstTensor h, ConstTensor left, ConstTensor right) {
  HaloExchange& halo = *graph_->halo();
  const ColumnHeads columns = this->columns(h.cols);
  const std::int64_t heads = left.cols, width = columns.width();
  halo.begin_columns(pass_, h.cols);
  {
    Matrix scores(h.rows, 2 * heads);
    axpby(on, 1, left, 0, columns_of(scores.view(), 0, heads));
    axpby(on, 1, right, 0, columns_of(scores.view(), heads, heads));
    const Matrix all = halo.columns_of_all(on, columns.spread(on, {h}, scores), pass_);
    x_ = taken(on, columns_of(all.view(), 0, width));
    left_ = taken(on, columns_of(all.view(), width, heads));
    right_ = taken(on, columns_of(all.view(), width + heads, heads));
  }
  Matrix made(x_.rows(), width), back(h.rows, columns.all()), y(h.rows, h.cols);
  log_sums_ = Matrix(x_.rows(), heads);
  attend(on, whole_of(*graph_).csr, {}, over(), {made, log_sums_});
  halo.rows_of_columns(on, made, pass_, back);
  columns.gather(on, {.wide = back}, 0, 0, y);
  return y;
}

ColumnAttention::Gradients ColumnAttention::backward(const Backend& on, ConstTensor dy) const {
  HaloExchange& halo = *graph_->halo();
  const ColumnHeads columns = this->columns(dy.cols);
  const HaloPass pass = backward_of(pass_);
  const std::int64_t heads = left_.cols(), width = columns.width(), nodes = x_.rows();
  halo.begin_columns(pass, dy.cols);
  Matrix made(nodes, width + 2 * heads);
  {
    const Matrix all = halo.columns_of_all(on, columns.spread(on, {dy}), pass);
    Matrix dx(nodes, width), dleft(nodes, heads), dright(nodes, heads);
    const WholeGraph& whole = whole_of(*graph_);
    attend_backward(on, whole.csr,
                    mask_.p > 0 ? whole.graph->transpose_with_edges() : whole.graph->transpose(), over(),
                    {all, log_sums_}, {.dleft = dleft, .dright = dright, .dx = dx, .a_dst = {}, .a_src = {}});
    std::int64_t at = 0;
    for (const Matrix* part : {&dx, &dleft, &dright}) {
      axpby(on, 1, *part, 0, columns_of(made.view(), at, part->cols()));
      at += part->cols();
    }
  }
  Matrix back(dy.rows, columns.all() + 2 * heads * halo.columns()->ranks());
  halo.rows_of_columns(on, made, pass, back);
  const ColumnHeads::From from{.wide = back, .beside = 2 * heads};
  Gradients gradients{Matrix(dy.rows, dy.cols), {}, {}};
  columns.gather(on, from, 0, 0, gradients.dx);
  const Matrix scores = columns.summed_beside(on, from);
  gradients.dleft = taken(on, columns_of(scores.view(), 0, heads));
  gradients.dright = taken(on, columns_of(scores.view(), heads, heads));
  return gradients;
}

ColumnAdditiveAttention::ColumnAdditiveAttention(const LayerGraph& graph, const HaloPass& pass, float slope,
                                                 const EdgeDropout& mask)
    : graph_(&graph), pass_(pass), slope_(slope), mask_(of_all(graph, mask)) {}

ColumnHeads ColumnAdditiveAttention::columns(std::int64_t cols) const {
  return columns_of_heads(*graph_, pass_, cols);
}

AdditiveScores ColumnAdditiveAttention::scores() const { return {own_, other_, att_, pass_.heads, slope_}; }

Array<float> ColumnAdditiveAttention::weights(const Backend& on) const {
  Array<float> weights(static_cast<std::size_t>(alpha_.size()));
  std::ranges::copy(values_of(alpha_), weights.begin());
  if (mask_.p > 0) edge_dropout(on, whole_of(*graph_).csr, {}, pass_.heads, mask_, weights.span());
  return weights;
}

Matrix ColumnAdditiveAttention::forward(const Backend& on, ConstTensor left, ConstTensor right,
                                        std::span<const float> att) {
  HaloExchange& halo = *graph_->halo();
  const ColumnHeads columns = this->columns(left.cols);
  const Csr32& csr = whole_of(*graph_).csr;
  halo.begin_columns(pass_, left.cols);
  {
    const Matrix all = halo.columns_of_all(on, columns.spread(on, {left, right}), pass_);
    own_ = taken(on, columns_of(all.view(), 0, columns.width()));
    other_ = taken(on, columns_of(all.view(), columns.width(), columns.width()));
  }
  att_ = columns.share(att, halo.columns()->self());
  alpha_ = Matrix(csr.m(), pass_.heads);
  additive_scores(on, csr, {}, scores(), values_of(alpha_));
  halo.sum_edges_over_ranks(on, alpha_, pass_);
  row_softmax(on, csr, {}, pass_.heads, values_of(alpha_));
  const Array<float> weights = this->weights(on);
  Matrix made(own_.rows(), columns.width()), back(left.rows, columns.all()), y(left.rows, left.cols);
  spmm(on, csr, {.weights = weights.span(), .heads = pass_.heads}, other_, made);
  halo.rows_of_columns(on, made, pass_, back);
  columns.gather(on, {.wide = back}, 0, 0, y);
  return y;
}

ColumnAdditiveAttention::Gradients ColumnAdditiveAttention::backward(const Backend& on,
                                                                     ConstTensor dy) const {
  HaloExchange& halo = *graph_->halo();
  const ColumnHeads columns = this->columns(dy.cols);
  const HaloPass pass = backward_of(pass_);
  const WholeGraph& whole = whole_of(*graph_);
  const TransposedCsr& transpose = whole.graph->transpose_with_edges();
  const std::int64_t width = columns.width(), nodes = own_.rows();
  halo.begin_columns(pass, dy.cols);
  const Matrix all = halo.columns_of_all(on, columns.spread(on, {dy}), pass);
  Matrix ds(alpha_.rows(), alpha_.cols());
  sddmm_dot(on, whole.csr, {}, pass.heads, all, other_, values_of(ds));
  halo.sum_edges_over_ranks(on, ds, pass);
  if (mask_.p > 0) edge_dropout(on, whole.csr, {}, pass.heads, mask_, values_of(ds));
  row_softmax_backward(on, whole.csr, pass.heads, values_of(alpha_), values_of(ds));

  Matrix made(nodes, 2 * width), side(nodes, width);
  additive_scores_backward(on, whole.csr, {}, scores(), values_of(ds), side);
  axpby(on, 1, side, 0, columns_of(made.view(), 0, width));
  AdditiveScores exchanged = scores();
  std::swap(exchanged.own, exchanged.other);
  additive_scores_backward(on, transpose.csr, transpose.edge.span(), exchanged, values_of(ds), side);
  const Array<float> weights = this->weights(on);
  spmm(on, transpose.csr,
       {.weights = weights.span(), .edge = transpose.edge.span(), .heads = pass.heads, .beta = 1}, all, side);
  axpby(on, 1, side, 0, columns_of(made.view(), width, width));
  std::vector<double> datt(static_cast<std::size_t>(width));
  attention_vector_backward(on, whole.csr, scores(), values_of(ds), datt);

  Matrix back(dy.rows, 2 * columns.all());
  halo.rows_of_columns(on, made, pass, back);
  Gradients gradients{Matrix(dy.rows, dy.cols), Matrix(dy.rows, dy.cols),
                      columns.placed(datt, halo.columns()->self())};
  columns.gather(on, {.wide = back, .matrices = 2}, 0, 0, gradients.dleft);
  columns.gather(on, {.wide = back, .matrices = 2}, 1, 0, gradients.dright);
  return gradients;
}

}  // namespace kith
