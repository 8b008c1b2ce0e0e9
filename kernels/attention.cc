#include "kith/kernels/attention.h"

#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"

namespace kith {
namespace {

void require_edges(CsrView<std::int32_t> a, std::int64_t heads, std::size_t values) {
  require(heads >= 1 && static_cast<std::int64_t>(values) >= a.m() * heads, "edge values hold [m, heads]",
          {{"size", values}, {"m", a.m()}, {"heads", heads}});
}

void require_scores(CsrView<std::int32_t> a, ConstTensor left, ConstTensor right, std::size_t values) {
  require(left.cols == right.cols, "edge_softmax: both sides have the same heads",
          {{"left", left.cols}, {"right", right.cols}});
  require(left.rows >= a.n(), "edge_softmax: left holds [n, heads]", {{"rows", left.rows}, {"n", a.n()}});
  require_edges(a, left.cols, values);
}

}  // namespace

void sddmm_dot(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, int heads,
               ConstTensor u, ConstTensor v, std::span<float> out) {
  require(u.cols == v.cols && heads >= 1 && u.cols % heads == 0, "sddmm_dot: u and v hold [·, heads · d]",
          {{"u.cols", u.cols}, {"v.cols", v.cols}, {"heads", heads}});
  require(u.rows >= a.n(), "sddmm_dot: u has a row for every row", {{"u.rows", u.rows}, {"n", a.n()}});
  require_edges(a, heads, out.size());
  dispatch([&](auto backend) { sddmm_dot(backend, a, rows, heads, u, v, out); }, on);
}

void edge_softmax(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
                  ConstTensor left, ConstTensor right, float slope, std::span<float> alpha) {
  require_scores(a, left, right, alpha.size());
  dispatch([&](auto backend) { edge_softmax(backend, a, rows, left, right, slope, alpha); }, on);
}

void edge_softmax_backward(const Backend& on, CsrView<std::int32_t> a, ConstTensor left, ConstTensor right,
                           float slope, std::span<const float> alpha, std::span<float> dalpha, Tensor dleft,
                           float beta) {
  require_scores(a, left, right, alpha.size());
  require_edges(a, left.cols, dalpha.size());
  require(dleft.rows >= a.n() && dleft.cols == left.cols,
          "edge_softmax_backward: dleft has the shape of left", {{"rows", dleft.rows}, {"cols", dleft.cols}});
  dispatch(
      [&](auto backend) {
        edge_softmax_backward(backend, a, left, right, slope, alpha, dalpha, dleft, beta);
      },
      on);
}

void sum_edges(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int64_t> edge,
               std::span<const float> values, Tensor y, float beta) {
  require(y.rows >= a.n(), "sum_edges: y holds [n, heads]", {{"rows", y.rows}, {"n", a.n()}});
  require(edge.empty() || static_cast<std::int64_t>(edge.size()) >= a.m(), "sum_edges: edge holds [m]",
          {{"size", edge.size()}, {"m", a.m()}});
  if (edge.empty()) require_edges(a, y.cols, values.size());
  dispatch([&](auto backend) { sum_edges(backend, a, edge, values, y, beta); }, on);
}

void edge_dropout(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, int heads,
                  const EdgeDropout& dropout, std::span<float> values) {
  require_edges(a, heads, values.size());
  require(dropout.p >= 0 && dropout.p <= 1, "edge_dropout: p lies in [0, 1]", {{"p", dropout.p}});
  require(static_cast<std::int64_t>(dropout.destinations.size()) >= a.n(),
          "edge_dropout: every row has its store id", {{"size", dropout.destinations.size()}, {"n", a.n()}});
  require(dropout.slots.empty(), "edge_dropout: a slot is a position in a row");
  if (dropout.p == 0) return;
  dispatch([&](auto backend) { edge_dropout(backend, a, rows, heads, dropout, values); }, on);
}

}  // namespace kith
