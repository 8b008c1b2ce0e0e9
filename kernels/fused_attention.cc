#include "kith/kernels/fused_attention.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"
#include "kith/kernels/graph_parts.h"

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

GatAttention in_part(GatAttention attention, const GraphPart& part) {
  attention.left = part.rows(attention.left);
  attention.right = part.sources(attention.right);
  attention.x = part.sources(attention.x);
  attention.dropout.destinations = part.rows(attention.dropout.destinations);
  return attention;
}
GatV2Attention in_part(GatV2Attention attention, const GraphPart& part) {
  attention.scores.own = part.rows(attention.scores.own);
  attention.scores.other = part.sources(attention.scores.other);
  attention.dropout.destinations = part.rows(attention.dropout.destinations);
  return attention;
}
Attended in_part(const Attended& out, const GraphPart& part) {
  return {part.rows(out.y), part.rows(out.log_sums)};
}
AttendedGradient in_part(const AttendedGradient& of, const GraphPart& part) {
  return {part.rows(of.dy), part.rows(of.log_sums), part.whole() ? of.inner : ConstTensor()};
}

}  // namespace

void attend(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
            const GatAttention& attention, const Attended& out) {
  require_input(on, a, attention, out.y, out.log_sums);
  if (!rows.empty()) {
    dispatch([&](auto backend) { attend(backend, a, rows, attention, out); }, on);
    return;
  }
  const GraphOperands operands{.csr = a,
                               .rows = {reads(attention.left), writes(out.y), writes(out.log_sums)},
                               .sources = {attention.right, attention.x}};
  over_graph(on, operands, [&](const GraphPart& part) {
    dispatch(
        [&](auto backend) {
          attend(backend, part.csr(), rows, in_part(attention, part), in_part(out, part));
        },
        on);
  });
}

void attend(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
            const GatV2Attention& attention, const Attended& out) {
  require_input(on, a, attention, out.y, out.log_sums);
  if (!rows.empty()) {
    dispatch([&](auto backend) { attend(backend, a, rows, attention, out); }, on);
    return;
  }
  const GraphOperands operands{.csr = a,
                               .rows = {reads(attention.scores.own), writes(out.y), writes(out.log_sums)},
                               .sources = {attention.scores.other}};
  over_graph(on, operands, [&](const GraphPart& part) {
    dispatch(
        [&](auto backend) {
          attend(backend, part.csr(), rows, in_part(attention, part), in_part(out, part));
        },
        on);
  });
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
  const GraphOperands operands{
      .csr = a,
      .transpose = &transpose,
      .rows = {reads(attention.left), reads(of.dy), reads(of.log_sums), writes(gradients.dleft)},
      .sources = {attention.right, attention.x},
      .sums = {{gradients.dx, gradients.beta}, {gradients.dright, 0}}};
  over_graph(on, operands, [&](const GraphPart& part) {
    GatGradients here = gradients;
    here.dleft = part.rows(gradients.dleft);
    here.dright = part.sum(gradients.dright);
    here.dx = part.sum(gradients.dx);
    here.beta = part.beta(gradients.beta);
    dispatch(
        [&](auto backend) {
          attend_backward(backend, part.csr(), part.transpose(), in_part(attention, part), in_part(of, part),
                          here);
        },
        on);
  });
}

void attend_backward(const Backend& on, CsrView<std::int32_t> a, const TransposedCsr& transpose,
                     const GatV2Attention& attention, const AttendedGradient& of,
                     const GatV2Gradients& gradients) {
  require_input(on, a, attention, of.dy, of.log_sums);
  require_transpose(a, transpose, attention.dropout);
  require_inner(on, a, of.inner, of.log_sums);
  require(gradients.d_att.empty() || gradients.d_att.size() == attention.scores.att.size(),
          "attend_backward: d_att has the size of att", {{"size", gradients.d_att.size()}});
  const GraphOperands operands{.csr = a,
                               .transpose = &transpose,
                               .rows = {reads(attention.scores.own), reads(of.dy), reads(of.log_sums),
                                        writes(gradients.d_own, gradients.own_beta)},
                               .sources = {attention.scores.other},
                               .sums = {{gradients.d_other, gradients.other_beta}}};
  std::vector<double> sums(gradients.d_att.size());
  over_graph(on, operands, [&](const GraphPart& part) {
    std::vector<double> some(part.whole() ? 0 : sums.size());
    GatV2Gradients here = gradients;
    here.d_own = part.rows(gradients.d_own);
    here.d_other = part.sum(gradients.d_other);
    here.other_beta = part.beta(gradients.other_beta);
    if (!part.whole()) here.d_att = some;
    dispatch(
        [&](auto backend) {
          attend_backward(backend, part.csr(), part.transpose(), in_part(attention, part), in_part(of, part),
                          here);
        },
        on);
    if (part.whole()) return;
    std::transform(some.begin(), some.end(), sums.begin(), sums.begin(), std::plus<>());
    std::copy(sums.begin(), sums.end(), gradients.d_att.begin());
  });
}

}  // namespace kith
