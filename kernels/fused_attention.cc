#include "kith/kernels/fused_attention.h"

#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"

namespace kith {
namespace {

void require_heads(std::int64_t heads, ConstTensor x, float slope) {
  require(heads >= 1 && x.cols % heads == 0 && x.cols > 0, "attend: heads divide the width",
          {{"heads", heads}, {"x.cols", x.cols}});
  require(slope >= 0 && slope <= 1, "attend: slope lies in [0, 1]", {{"slope", slope}});
}

void require_dropout(const Backend& on, CsrView<std::int32_t> a, const EdgeDropout& dropout) {
  require(dropout.slots.empty() || (memory_of(on) == nullptr && std::ssize(dropout.slots) == a.m()),
          "attend: every entry has its slot, on a CPU", {{"size", dropout.slots.size()}, {"m", a.m()}});
  require(dropout.p >= 0 && dropout.p <= 1, "attend: p lies in [0, 1]", {{"p", dropout.p}});
  require(dropout.p == 0 || static_cast<std::int64_t>(dropout.destinations.size()) >= a.n(),
          "attend: every row has its store id", {{"size", dropout.destinations.size()}, {"n", a.n()}});
}

void require_inner(const Backend& on, CsrView<std::int32_t> a, ConstTensor inner, ConstTensor log_sums) {
  require(inner.data == nullptr ||
              (memory_of(on) == nullptr && inner.rows >= a.n() && inner.cols == log_sums.cols),
          "attend_backward: inner holds [n, heads], on a CPU",
          {{"rows", inner.rows}, {"cols", inner.cols}, {"n", a.n()}});
}

void require_rows(CsrView<std::int32_t> a, std::int64_t heads, std::int64_t width, ConstTensor y,
                  ConstTensor log_sums) {
  require(y.rows >= a.n() && y.cols == width, "attend: y holds [n, heads · d]",
          {{"rows", y.rows}, {"cols", y.cols}, {"n", a.n()}});
  require(log_sums.rows >= a.n() && log_sums.cols == heads, "attend: log_sums holds [n, heads]",
          {{"rows", log_sums.rows}, {"cols", log_sums.cols}, {"n", a.n()}});
}

void require_transpose(CsrView<std::int32_t> a, const TransposedCsr& transpose, const EdgeDropout& dropout) {
  require(transpose.csr.m() == a.m() && (dropout.p == 0 || transpose.edge.ssize() >= a.m()),
          "attend_backward: the transpose has the matrix's entries, and knows where they stood",
          {{"m", a.m()}, {"transpose.m", transpose.csr.m()}, {"edge", transpose.edge.size()}});
}

void require_input(const Backend& on, CsrView<std::int32_t> a, const GatAttention& g, ConstTensor y,
                   ConstTensor log_sums) {
  require_heads(g.left.cols, g.x, g.slope);
  require(g.left.rows >= a.n() && g.right.cols == g.left.cols && g.right.rows >= g.x.rows,
          "attend: left holds [n, heads], right [columns, heads]",
          {{"left.rows", g.left.rows}, {"right.rows", g.right.rows}, {"right.cols", g.right.cols}});
  require_dropout(on, a, g.dropout);
  require_rows(a, g.left.cols, g.x.cols, y, log_sums);
}

void require_input(const Backend& on, CsrView<std::int32_t> a, const GatV2Attention& g, ConstTensor y,
                   ConstTensor log_sums) {
  const AdditiveScores& s = g.scores;
  require_heads(s.heads, s.other, s.slope);
  require(s.own.rows >= a.n() && s.own.cols == s.other.cols && std::ssize(s.att) == s.other.cols,
          "attend: both sides and att are heads · d wide, own has a row for every row",
          {{"own.rows", s.own.rows}, {"own.cols", s.own.cols}, {"other.cols", s.other.cols}});
  require_dropout(on, a, g.dropout);
  require_rows(a, s.heads, s.other.cols, y, log_sums);
}

}  // namespace

void attend(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
            const GatAttention& attention, const Attended& out) {
  require_input(on, a, attention, out.y, out.log_sums);
  dispatch([&](auto backend) { attend(backend, a, rows, attention, out); }, on);
}

void attend(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
            const GatV2Attention& attention, const Attended& out) {
  require_input(on, a, attention, out.y, out.log_sums);
  dispatch([&](auto backend) { attend(backend, a, rows, attention, out); }, on);
}

void attend_backward(const Backend& on, CsrView<std::int32_t> a, const TransposedCsr& transpose,
                     const GatAttention& attention, const AttendedGradient& of,
                     const GatGradients& gradients) {
  require_input(on, a, attention, of.dy, of.log_sums);
  require_transpose(a, transpose, attention.dropout);
  require_inner(on, a, of.inner, of.log_sums);
  require(gradients.dleft.rows >= a.n() && gradients.dleft.cols == attention.left.cols &&
              gradients.dright.rows >= transpose.csr.n() && gradients.dright.cols == attention.left.cols,
          "attend_backward: dleft holds [n, heads], dright [columns, heads]",
          {{"dleft.rows", gradients.dleft.rows}, {"dright.rows", gradients.dright.rows}});
  const auto fits = [&](std::size_t size) {
    return size == 0 || static_cast<std::int64_t>(size) == attention.x.cols;
  };
  require(fits(gradients.a_dst.size()) && fits(gradients.a_src.size()),
          "attend_backward: a_dst and a_src hold [heads · d]",
          {{"a_dst", gradients.a_dst.size()}, {"a_src", gradients.a_src.size()}});
  dispatch([&](auto backend) { attend_backward(backend, a, transpose, attention, of, gradients); }, on);
}

void attend_backward(const Backend& on, CsrView<std::int32_t> a, const TransposedCsr& transpose,
                     const GatV2Attention& attention, const AttendedGradient& of,
                     const GatV2Gradients& gradients) {
  require_input(on, a, attention, of.dy, of.log_sums);
  require_transpose(a, transpose, attention.dropout);
  require_inner(on, a, of.inner, of.log_sums);
  require(gradients.d_att.empty() || gradients.d_att.size() == attention.scores.att.size(),
          "attend_backward: d_att has the size of att", {{"size", gradients.d_att.size()}});
  dispatch([&](auto backend) { attend_backward(backend, a, transpose, attention, of, gradients); }, on);
}

}  // namespace kith
