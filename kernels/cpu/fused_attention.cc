#include "kith/kernels/cpu/fused_attention.h"

#include <algorithm>
#include <vector>

#include "kith/kernels/cpu/kernels.h"

// Which sweeps make which result: attend.cc, attend_backward_rows.cc, attend_backward_columns.cc.
namespace kith {
namespace {

AttentionSweep with_dropout(AttentionSweep sweep, const EdgeDropout& dropout) {
  sweep.drops = dropout.p > 0;
  sweep.mask = mask_of(dropout.p, dropout.key, dropout.step, 0);
  sweep.destinations = dropout.destinations;
  sweep.slots = dropout.slots;
  return sweep;
}

AttentionSweep sweep_of(CsrView<std::int32_t> a, std::span<const std::int32_t> rows, const GatAttention& g) {
  return with_dropout({.a = a,
                       .rows = rows,
                       .heads = g.left.cols,
                       .width = g.x.cols / g.left.cols,
                       .slope = g.slope,
                       .own = g.left,
                       .other = g.right,
                       .x = g.x},
                      g.dropout);
}

AttentionSweep sweep_of(CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
                        const GatV2Attention& g) {
  const AdditiveScores& s = g.scores;
  return with_dropout({.a = a,
                       .rows = rows,
                       .heads = s.heads,
                       .width = s.other.cols / s.heads,
                       .slope = s.slope,
                       .own = s.own,
                       .other = s.other,
                       .att = s.att.data(),
                       .x = s.other},
                      g.dropout);
}

/// The same over the transpose: the sides change places.
AttentionSweep transposed(AttentionSweep sweep, const TransposedCsr& transpose) {
  sweep.a = transpose.csr;
  sweep.rows = {};
  std::swap(sweep.own, sweep.other);
  return sweep;
}

const float* data_of(std::span<const float> values) { return values.empty() ? nullptr : values.data(); }

}  // namespace

void attend(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, const GatAttention& attention,
            const Attended& out) {
  attend({.sweep = sweep_of(a, rows, attention), .y = out.y, .log_sums = out.log_sums});
}

void attend(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, const GatV2Attention& attention,
            const Attended& out) {
  attend({.sweep = sweep_of(a, rows, attention), .y = out.y, .log_sums = out.log_sums});
}

void attend_backward(Cpu, CsrView<std::int32_t> a, const TransposedCsr& transpose,
                     const GatAttention& attention, const AttendedGradient& of,
                     const GatGradients& gradients) {
  const AttentionSweep sweep = sweep_of(a, {}, attention);
  Matrix facts(a.n(), 3 * sweep.heads);
  attention_row_gradients({.sweep = sweep,
                           .dy = of.dy,
                           .log_sums = of.log_sums,
                           .facts = facts,
                           .d_own = gradients.dleft,
                           .inner = of.inner});
  attention_column_gradients(RowSweep(transpose.csr, {}), {.sweep = transposed(sweep, transpose),
                                                           .edge = transpose.edge,
                                                           .indptr = a.indptr,
                                                           .dy = of.dy,
                                                           .facts = facts,
                                                           .d_own = gradients.dright,
                                                           .dx = gradients.dx,
                                                           .beta = gradients.beta,
                                                           .source_vector = data_of(gradients.a_src),
                                                           .row_vector = data_of(gradients.a_dst),
                                                           .dleft = gradients.dleft});
}

void attend_backward(Cpu, CsrView<std::int32_t> a, const TransposedCsr& transpose,
                     const GatV2Attention& attention, const AttendedGradient& of,
                     const GatV2Gradients& gradients) {
  const AttentionSweep sweep = sweep_of(a, {}, attention);
  Matrix facts(a.n(), 2 * sweep.heads);
  attention_row_gradients({.sweep = sweep,
                           .dy = of.dy,
                           .log_sums = of.log_sums,
                           .facts = facts,
                           .d_own = gradients.d_own,
                           .beta = gradients.own_beta,
                           .inner = of.inner});
  const RowSweep rows(transpose.csr, {});
  std::vector<double> slots(static_cast<std::size_t>(rows.slots()) * gradients.d_att.size());
  attention_column_gradients(rows, {.sweep = transposed(sweep, transpose),
                                    .edge = transpose.edge,
                                    .indptr = a.indptr,
                                    .dy = of.dy,
                                    .facts = facts,
                                    .dx = gradients.d_other,
                                    .beta = gradients.other_beta,
                                    .att_slots = slots});
  std::fill(gradients.d_att.begin(), gradients.d_att.end(), 0.0);
  for (std::size_t at = 0; at < slots.size(); ++at) gradients.d_att[at % gradients.d_att.size()] += slots[at];
}

}  // namespace kith
