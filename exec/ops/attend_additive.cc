// GATv2, in one sweep as in attend.cc. Only the sources' side crosses ranks.
#include <array>

#include "kith/exec/halo/partial_attention.h"
#include "kith/exec/ops.h"
#include "kith/exec/ops/attend_elsewhere.h"
#include "kith/exec/ops/attention_heads.h"
#include "kith/kernels/dense.h"

namespace kith {
namespace {

struct AdditiveAttention {
  const LayerGraph* graph;
  AttentionOptions options;
  EdgeDropout mask;  ///< p = 0 in inference
  bool exchanged = false;
  HaloPass pass;
  Matrix log_sums;  ///< [destinations, heads]
  Matrix sources;   ///< all source rows, when they were exchanged

  GatV2Attention over(ConstTensor left, ConstTensor right, std::span<const float> att) const {
    return {{left, right, att, options.heads, options.slope}, mask};
  }
  void forward(const Backend& on, ConstTensor left, ConstTensor right, std::span<const float> att, Tensor y);
  void backward(const Backend& on, const Var& left, const Var& right, const Var& att, ConstTensor dy,
                Gradients& gradients) const;
};

void AdditiveAttention::forward(const Backend& on, ConstTensor left, ConstTensor right,
                                std::span<const float> att, Tensor y) {
  log_sums = Matrix(graph->destinations(), options.heads);
  if (!exchanged) return attend(on, graph->csr(), {}, over(left, right, att), {y, log_sums});
  SourceRows rows(on, *graph, right, pass);
  rows.cover(
      [&](std::span<const std::int32_t> some) {
        attend(on, graph->csr(), some, over(left, rows.all(), att), {y, log_sums});
      },
      [] {});
  sources = std::move(rows).take();
}

void AdditiveAttention::backward(const Backend& on, const Var& left, const Var& right, const Var& att,
                                 ConstTensor dy, Gradients& gradients) const {
  const ConstTensor all = exchanged ? sources.view() : right.value();
  const std::span<const float> vector = elements(att);
  const auto datt = gradients.slot(att), dleft = gradients.slot(left), dright = gradients.slot(right);
  Matrix gradient(dright && exchanged ? graph->sources() : 0, right.cols());
  std::vector<double> sums(datt ? vector.size() : 0);
  const TransposedCsr& transpose = mask.p > 0 ? graph->transpose_with_edges() : graph->transpose();
  attend_backward(on, graph->csr(), transpose, over(left.value(), all, vector), {dy, log_sums},
                  {.d_own = dleft.tensor,
                   .d_other = exchanged && dright ? gradient.view() : dright.tensor,
                   .own_beta = dleft.beta,
                   .other_beta = exchanged ? 0 : dright.beta,
                   .d_att = sums});
  add_vector_gradient(on, sums, datt);
  if (dright && exchanged) return_gradients(on, *graph, gradient, pass, dright);
}

/// With a plan by which owners make partial results.
struct AdditiveAttentionInParts {
  PartialAttention parts;
  AttentionOptions options;
  EdgeDropout mask;
  Matrix log_sums{};  ///< [destinations, heads]
  Matrix sources{};   ///< the plan's sources' rows

  GatV2Attention over(const AttentionEdges& edges, ConstTensor own, ConstTensor x,
                      std::span<const float> att) const {
    return {{own, x, att, options.heads, options.slope}, edges.mask(mask)};
  }
  Matrix forward(const Backend& on, ConstTensor left, ConstTensor right, std::span<const float> att);
  void backward(const Backend& on, const std::array<Var, 3>& inputs, ConstTensor y, ConstTensor dy,
                Gradients& gradients) const;
};

Matrix AdditiveAttentionInParts::forward(const Backend& on, ConstTensor left, ConstTensor right,
                                         std::span<const float> att) {
  Matrix y(left.rows, left.cols);
  log_sums = Matrix(left.rows, options.heads);
  sources = parts.forward(on, left, right,
                          {.attend =
                               [&](const AttentionEdges& edges, std::span<const std::int32_t> rows,
                                   ConstTensor own, ConstTensor x, const Attended& out) {
                                 attend(on, edges.graph.csr(), rows, over(edges, own, x, att), out);
                               },
                           .arrived = [](ConstTensor) {}},
                          {y, log_sums});
  return y;
}

void AdditiveAttentionInParts::backward(const Backend& on, const std::array<Var, 3>& inputs, ConstTensor y,
                                        ConstTensor dy, Gradients& gradients) const {
  const Var &left = inputs[0], &right = inputs[1], &att = inputs[2];
  const auto datt = gradients.slot(att);
  auto dleft = gradients.slot(left);
  const auto dright = gradients.slot(right);
  Matrix unwanted(dleft ? 0 : left.rows(), left.cols());
  if (!dleft) dleft = {unwanted, 0, true};
  std::vector<double> sums(datt ? elements(att).size() : 0);
  parts.backward(on, {left.value(), sources, y, log_sums}, dy, dleft, dright,
                 [&](const AttentionEdges& edges, ConstTensor own, ConstTensor x, const AttendedGradient& of,
                     const PartialAttention::Sides& sides) {
                   std::vector<double> part(sums.size());
                   attend_backward(on, edges.graph.csr(), edges.transpose(mask),
                                   over(edges, own, x, elements(att)), of,
                                   {.d_own = sides.dleft,
                                    .d_other = sides.dx,
                                    .own_beta = sides.left_beta,
                                    .other_beta = sides.x_beta,
                                    .d_att = part});
                   for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += part[j];
                 });
  add_vector_gradient(on, sums, datt);
}

Var attend_in_parts(Tape& tape, const LayerGraph& graph, const std::array<Var, 3>& inputs,
                    const AttentionOptions& options, const EdgeDropout& mask, const HaloPass& pass) {
  const Var &left = inputs[0], &right = inputs[1], &att = inputs[2];
  AdditiveAttentionInParts attention{
      .parts = PartialAttention(graph, pass), .options = options, .mask = mask};
  Matrix y = attention.forward(tape.on(), left.value(), right.value(), elements(att));
  return Tape::of_destinations(
      tape.record_with_output(std::move(y), {left, right, att},
                              [inputs, a = std::move(attention)](const Backend& on, ConstTensor out,
                                                                 ConstTensor dy, Gradients& gradients) {
                                a.backward(on, inputs, out, dy, gradients);
                              }));
}

}  // namespace

Var attend_additive(Tape& tape, const LayerGraph& graph, const Var& left, const Var& right,
                    const Parameter& att, const AttentionOptions& options) {
  require(left.rows() == graph.destinations() && left.cols() == right.cols() &&
              att.value.size() == left.cols() && left.cols() % options.heads == 0,
          "attend_additive: left has a row for every destination; both sides and att are heads · d wide",
          {{"left.rows", left.rows()}, {"left.cols", left.cols()}, {"right.cols", right.cols()}});
  AdditiveAttention attention{.graph = &graph, .options = options, .exchanged = needs_exchange(graph, right)};
  attention.pass = {.step = tape.step(), .what = Crossing::additive_attention, .heads = options.heads};
  if (attention.exchanged) attention.pass.layer = tape.next_exchange();
  const std::uint64_t number = tape.next_dropout();
  if (tape.training() && options.dropout > 0)
    attention.mask = {.p = static_cast<float>(options.dropout),
                      .key = philox_key(tape.seed(), Stream::dropout, number),
                      .step = tape.step(),
                      .destinations = graph.store_ids()};
  const Var vector = tape.parameter(att);
  if (attention.exchanged && graph.halo()->partials(attention.pass.layer) != nullptr)
    return attend_in_parts(tape, graph, {left, right, vector}, options, attention.mask, attention.pass);
  const std::array<Var, 3> inputs{left, right, vector};
  const AttentionCall call{graph, inputs, options, attention.mask, attention.pass};
  if (attention.exchanged && graph.halo()->columns() != nullptr)
    return attend_additive_by_columns(tape, call);
  if (attention.exchanged && graph.halo()->in_rounds()) return attend_additive_in_rounds(tape, call);
  Matrix y(graph.destinations(), left.cols());
  attention.forward(tape.on(), left.value(), right.value(), att.value.span(), y);
  return Tape::of_destinations(tape.record(std::move(y), {left, right, vector},
                                           [left, right, vector, a = std::move(attention)](
                                               const Backend& on, ConstTensor dy, Gradients& gradients) {
                                             a.backward(on, left, right, vector, dy, gradients);
                                           }));
}

}  // namespace kith
