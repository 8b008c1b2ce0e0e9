// Forward, per head: scores left_i = ⟨a_dst, h_i⟩ and right_j = ⟨a_src, h_j⟩, then the softmax over each
// row's edges, dropout and the weighted sum in one sweep. Only h crosses ranks; right is computed again for
// halo rows, which costs less than sending it. Nothing is kept per edge: the backward pass makes the weights
// again from log_sums ([destinations, heads]) and draws the mask again.
#include <array>

#include "kith/exec/halo/partial_attention.h"
#include "kith/exec/ops.h"
#include "kith/exec/ops/attend_elsewhere.h"
#include "kith/exec/ops/attention_heads.h"
#include "kith/kernels/dense.h"

namespace kith {
namespace {

struct Attention {
  const LayerGraph* graph;
  AttentionOptions options;
  EdgeDropout mask;  ///< p = 0 in inference
  bool exchanged = false;
  HaloPass pass;

  Matrix left, right;  ///< [destinations, heads], [sources, heads]
  Matrix log_sums;     ///< [destinations, heads]
  Matrix sources;      ///< all source rows of h, when they were exchanged

  GatAttention over(ConstTensor h) const {
    return {.left = left, .right = right, .x = h, .slope = options.slope, .dropout = mask};
  }
  void forward(const Backend& on, ConstTensor h, const Matrix& src, const Matrix& dst, Matrix& y);
};

void Attention::forward(const Backend& on, ConstTensor h, const Matrix& src, const Matrix& dst, Matrix& y) {
  const std::int64_t owned = graph->destinations();
  left = Matrix(owned, options.heads);
  right = Matrix(graph->sources(), options.heads);
  log_sums = Matrix(owned, options.heads);
  matmul(on, Trans::no, h.row_range(0, owned), Trans::yes, dst, 0, left);
  if (!exchanged) {
    matmul(on, Trans::no, h, Trans::yes, src, 0, right);
    return attend(on, graph->csr(), {}, over(h), {y, log_sums});
  }
  SourceRows rows(on, *graph, h, pass);
  matmul(on, Trans::no, h, Trans::yes, src, 0, right.view().row_range(0, owned));
  rows.cover(
      [&](std::span<const std::int32_t> some) {
        attend(on, graph->csr(), some, over(rows.all()), {y, log_sums});
      },
      [&] {
        const auto halo = rows.all().row_range(owned, graph->sources());
        matmul(on, Trans::no, halo, Trans::yes, src, 0, right.view().row_range(owned, graph->sources()));
      });
  sources = std::move(rows).take();
}

/// Everything that reaches h's gradient: over all sources, then the halo's part goes home.
void backward(const Backend& on, const Attention& a, const Var& h, const Var& src, const Var& dst,
              ConstTensor dy, Gradients& gradients) {
  const LayerGraph& graph = *a.graph;
  const std::int64_t owned = graph.destinations();
  const ConstTensor all = a.exchanged ? a.sources.view() : h.value();
  const auto dh = gradients.slot(h);
  Matrix gradient(dh && a.exchanged ? graph.sources() : 0, h.cols());
  const Tensor target = a.exchanged && dh ? gradient.view() : dh.tensor;
  Matrix dleft(owned, a.options.heads), dright(graph.sources(), a.options.heads);
  const TransposedCsr& transpose = a.mask.p > 0 ? graph.transpose_with_edges() : graph.transpose();
  attend_backward(on, graph.csr(), transpose, a.over(all), {dy, a.log_sums},
                  {.dleft = dleft,
                   .dright = dright,
                   .dx = target,
                   .beta = a.exchanged ? 0 : dh.beta,
                   .a_dst = elements(dst),
                   .a_src = elements(src)});
  add_head_gradient(on, dright, all, gradients.slot(src));
  add_head_gradient(on, dleft, all.row_range(0, owned), gradients.slot(dst));
  if (dh && a.exchanged) return_gradients(on, graph, target, a.pass, dh);
}

/// With a plan by which owners make partial results.
struct AttentionInParts {
  PartialAttention parts;
  AttentionOptions options;
  EdgeDropout mask;
  Matrix left, right, log_sums{};  ///< [destinations, heads], [the plan's sources, heads], as left
  Matrix sources{};                ///< the plan's sources' rows of h

  GatAttention over(const AttentionEdges& edges, ConstTensor own, ConstTensor h) const {
    return {.left = own, .right = right, .x = h, .slope = options.slope, .dropout = edges.mask(mask)};
  }
  Matrix forward(const Backend& on, ConstTensor h, const Matrix& src, const Matrix& dst);
  void backward(const Backend& on, const std::array<Var, 3>& inputs, ConstTensor y, ConstTensor dy,
                Gradients& gradients) const;
};

Matrix AttentionInParts::forward(const Backend& on, ConstTensor h, const Matrix& src, const Matrix& dst) {
  Matrix y(h.rows, h.cols);
  log_sums = Matrix(h.rows, options.heads);
  matmul(on, Trans::no, h, Trans::yes, dst, 0, left);
  matmul(on, Trans::no, h, Trans::yes, src, 0, right.view().row_range(0, h.rows));
  sources = parts.forward(
      on, left, h,
      {.attend = [&](const AttentionEdges& edges, std::span<const std::int32_t> rows, ConstTensor own,
                     ConstTensor x,
                     const Attended& out) { attend(on, edges.graph.csr(), rows, over(edges, own, x), out); },
       .arrived =
           [&](ConstTensor x) {
             matmul(on, Trans::no, x, Trans::yes, src, 0, right.view().row_range(h.rows, right.rows()));
           }},
      {y, log_sums});
  return y;
}

void AttentionInParts::backward(const Backend& on, const std::array<Var, 3>& inputs, ConstTensor y,
                                ConstTensor dy, Gradients& gradients) const {
  const Var &h = inputs[0], &src = inputs[1], &dst = inputs[2];
  const auto dh = gradients.slot(h);
  Matrix dleft(left.rows(), left.cols()), dright(right.rows(), right.cols(), 0.0f);
  parts.backward(on, {left, sources, y, log_sums}, dy, {dleft, 0, true}, dh,
                 [&](const AttentionEdges& edges, ConstTensor own, ConstTensor x, const AttendedGradient& of,
                     const PartialAttention::Sides& sides) {
                   Matrix part(edges.graph.sources(), dright.cols());
                   attend_backward(on, edges.graph.csr(), edges.transpose(mask), over(edges, own, x), of,
                                   {.dleft = sides.dleft,
                                    .dright = part,
                                    .dx = sides.dx,
                                    .beta = sides.x_beta,
                                    .a_dst = {},
                                    .a_src = elements(src)});
                   axpby(on, 1, part, 1, dright.view().row_range(0, part.rows()));
                 });
  // Only now has every destination all of its gradient.
  if (dh) matmul(on, Trans::no, dleft, Trans::no, per_head(on, dst, options.heads), 1, dh.tensor);
  add_head_gradient(on, dright, sources, gradients.slot(src));
  add_head_gradient(on, dleft, sources.view().row_range(0, left.rows()), gradients.slot(dst));
}

Var attend_in_parts(Tape& tape, const LayerGraph& graph, const std::array<Var, 3>& inputs,
                    const AttentionOptions& options, const EdgeDropout& mask, const HaloPass& pass) {
  const Var &h = inputs[0], &src = inputs[1], &dst = inputs[2];
  const std::int64_t sources = graph.halo()->partials(pass.layer)->graph->sources();
  AttentionInParts attention{.parts = PartialAttention(graph, pass),
                             .options = options,
                             .mask = mask,
                             .left = Matrix(graph.destinations(), options.heads),
                             .right = Matrix(sources, options.heads)};
  Matrix y = attention.forward(tape.on(), h.value(), per_head(tape.on(), src, options.heads),
                               per_head(tape.on(), dst, options.heads));
  return Tape::of_destinations(
      tape.record_with_output(std::move(y), {h, src, dst},
                              [inputs, a = std::move(attention)](const Backend& on, ConstTensor out,
                                                                 ConstTensor dy, Gradients& gradients) {
                                a.backward(on, inputs, out, dy, gradients);
                              }));
}

}  // namespace

Var attend(Tape& tape, const LayerGraph& graph, const Var& h, const Parameter& a_src, const Parameter& a_dst,
           const AttentionOptions& options) {
  require(h.cols() % options.heads == 0 && a_src.value.size() == h.cols() && a_dst.value.size() == h.cols(),
          "attend: h, a_src and a_dst are heads · d wide",
          {{"h.cols", h.cols()}, {"heads", options.heads}, {"a_src", a_src.value.size()}});
  Attention attention{.graph = &graph, .options = options};
  attention.exchanged = needs_exchange(graph, h);
  attention.pass = {.step = tape.step(), .what = Crossing::attention, .heads = options.heads};
  if (attention.exchanged) attention.pass.layer = tape.next_exchange();
  const std::uint64_t number = tape.next_dropout();
  if (tape.training() && options.dropout > 0) {
    attention.mask = {.p = static_cast<float>(options.dropout),
                      .key = philox_key(tape.seed(), Stream::dropout, number),
                      .step = tape.step(),
                      .destinations = graph.store_ids()};
  }
  const Var src = tape.parameter(a_src), dst = tape.parameter(a_dst);
  if (attention.exchanged && graph.halo()->partials(attention.pass.layer) != nullptr)
    return attend_in_parts(tape, graph, {h, src, dst}, options, attention.mask, attention.pass);
  const std::array<Var, 3> inputs{h, src, dst};
  const AttentionCall call{graph, inputs, options, attention.mask, attention.pass};
  if (attention.exchanged && graph.halo()->columns() != nullptr) return attend_by_columns(tape, call);
  if (attention.exchanged && graph.halo()->in_rounds()) return attend_in_rounds(tape, call);
  Matrix y(graph.destinations(), h.cols());
  attention.forward(tape.on(), h.value(), per_head(tape.on(), src, options.heads),
                    per_head(tape.on(), dst, options.heads), y);
  return Tape::of_destinations(tape.record(
      std::move(y), {h, src, dst},
      [h, src, dst, a = std::move(attention)](const Backend& on, ConstTensor dy, Gradients& gradients) {
        backward(on, a, h, src, dst, dy, gradients);
      }));
}

}  // namespace kith
