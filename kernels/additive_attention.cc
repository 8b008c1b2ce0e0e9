#include "kith/kernels/additive_attention.h"

#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"

namespace kith {
namespace {

void require_scores(CsrView<std::int32_t> a, const AdditiveScores& s, std::size_t values) {
  require(s.own.cols == s.other.cols && s.heads >= 1 && s.own.cols % s.heads == 0 &&
              static_cast<std::int64_t>(s.att.size()) == s.own.cols,
          "additive attention: both sides and att are heads · d wide",
          {{"own", s.own.cols}, {"other", s.other.cols}, {"att", s.att.size()}, {"heads", s.heads}});
  require(s.own.rows >= a.n() && static_cast<std::int64_t>(values) >= a.m() * s.heads,
          "additive attention: a row for every row, values for every entry",
          {{"own.rows", s.own.rows}, {"n", a.n()}, {"values", values}, {"m", a.m()}});
}

void require_values(CsrView<std::int32_t> a, int heads, std::size_t values) {
  require(static_cast<std::int64_t>(values) >= a.m() * heads, "row_softmax: values hold [m, heads]",
          {{"values", values}, {"m", a.m()}, {"heads", heads}});
}

}  // namespace

void additive_scores(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
                     const AdditiveScores& scores, std::span<float> values) {
  require_scores(a, scores, values.size());
  dispatch([&](auto backend) { additive_scores(backend, a, rows, scores, values); }, on);
}

void additive_scores_backward(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int64_t> edge,
                              const AdditiveScores& scores, std::span<const float> ds, Tensor d_own) {
  require_scores(a, scores, ds.size());
  require(d_own.rows >= a.n() && d_own.cols == scores.own.cols &&
              (edge.empty() || edge.size() >= a.indices.size()),
          "additive_scores_backward: d_own has the shape of own", {{"d_own.rows", d_own.rows}, {"n", a.n()}});
  dispatch([&](auto backend) { additive_scores_backward(backend, a, edge, scores, ds, d_own); }, on);
}

void attention_vector_backward(const Backend& on, CsrView<std::int32_t> a, const AdditiveScores& scores,
                               std::span<const float> ds, std::span<double> d_att) {
  require_scores(a, scores, ds.size());
  require(d_att.size() == scores.att.size(), "attention_vector_backward: d_att has the shape of att",
          {{"d_att", d_att.size()}, {"att", scores.att.size()}});
  dispatch([&](auto backend) { attention_vector_backward(backend, a, scores, ds, d_att); }, on);
}

void row_softmax(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, int heads,
                 std::span<float> values) {
  require_values(a, heads, values.size());
  dispatch([&](auto backend) { row_softmax(backend, a, rows, heads, values); }, on);
}

void row_softmax_backward(const Backend& on, CsrView<std::int32_t> a, int heads, std::span<const float> alpha,
                          std::span<float> dvalues) {
  require_values(a, heads, alpha.size());
  require_values(a, heads, dvalues.size());
  dispatch([&](auto backend) { row_softmax_backward(backend, a, heads, alpha, dvalues); }, on);
}

}  // namespace kith
