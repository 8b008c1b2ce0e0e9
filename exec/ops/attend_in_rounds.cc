#include "kith/exec/halo/attention_in_rounds.h"
#include "kith/exec/ops/attend_elsewhere.h"
#include "kith/exec/ops/attention_heads.h"

namespace kith {
namespace {

/// GAT's; the sources' side of the scores is computed of their rows whenever these are here.
struct Attention {
  AttentionInRounds rounds;
  AttentionOptions options;
  EdgeDropout mask;
  Matrix left, log_sums;  ///< [destinations, heads]

  GatAttention over(const AttentionEdges& edges, ConstTensor right, ConstTensor x) const {
    return {.left = left, .right = right, .x = x, .slope = options.slope, .dropout = edges.mask(mask)};
  }
  Matrix right(const Backend& on, const Matrix& src, ConstTensor x) const {
    Matrix right(x.rows, options.heads);
    matmul(on, Trans::no, x, Trans::yes, src, 0, right);
    return right;
  }
  void backward(const Backend& on, const std::array<Var, 3>& inputs, ConstTensor y, ConstTensor dy,
                Gradients& gradients) const;
};

void Attention::backward(const Backend& on, const std::array<Var, 3>& inputs, ConstTensor y, ConstTensor dy,
                         Gradients& gradients) const {
  const Var &h = inputs[0], &src = inputs[1], &dst = inputs[2];
  const Matrix per_source = per_head(on, src, options.heads);
  const auto dh = gradients.slot(h);
  Matrix dleft(left.rows(), left.cols(), 0.0f), dsrc(options.heads, h.cols(), 0.0f);
  rounds.backward(
      on, {h.value(), y, log_sums}, dy, dh,
      [&](const AttentionEdges& edges, ConstTensor x, const AttendedGradient& of, Tensor dx, float beta) {
        Matrix dleft_part(dleft.rows(), dleft.cols()), dright(x.rows, dleft.cols());
        attend_backward(on, edges.graph.csr(), edges.transpose(mask),
                        over(edges, right(on, per_source, x), x), of,
                        {.dleft = dleft_part,
                         .dright = dright,
                         .dx = dx,
                         .beta = beta,
                         .a_dst = {},
                         .a_src = elements(src)});
        axpby(on, 1, dleft_part, 1, dleft);
        matmul(on, Trans::yes, dright, Trans::no, x, 1, dsrc);
      });
  if (dh) matmul(on, Trans::no, dleft, Trans::no, per_head(on, dst, options.heads), 1, dh.tensor);
  add_product_gradient(on, dsrc, gradients.slot(src));
  add_head_gradient(on, dleft, h.value(), gradients.slot(dst));
}

struct AdditiveAttention {
  AttentionInRounds rounds;
  AttentionOptions options;
  EdgeDropout mask;
  Matrix log_sums;  ///< [destinations, heads]

  GatV2Attention over(const AttentionEdges& edges, ConstTensor own, ConstTensor x,
                      std::span<const float> att) const {
    return {{own, x, att, options.heads, options.slope}, edges.mask(mask)};
  }
  void backward(const Backend& on, const std::array<Var, 3>& inputs, ConstTensor y, ConstTensor dy,
                Gradients& gradients) const;
};

void AdditiveAttention::backward(const Backend& on, const std::array<Var, 3>& inputs, ConstTensor y,
                                 ConstTensor dy, Gradients& gradients) const {
  const Var &left = inputs[0], &right = inputs[1], &att = inputs[2];
  Matrix dleft(left.rows(), left.cols(), 0.0f);
  std::vector<double> datt(elements(att).size());
  rounds.backward(
      on, {right.value(), y, log_sums}, dy, gradients.slot(right),
      [&](const AttentionEdges& edges, ConstTensor x, const AttendedGradient& of, Tensor dx, float beta) {
        std::vector<double> part(datt.size());
        attend_backward(on, edges.graph.csr(), edges.transpose(mask),
                        over(edges, left.value(), x, elements(att)), of,
                        {.d_own = dleft, .d_other = dx, .own_beta = 1, .other_beta = beta, .d_att = part});
        for (std::size_t j = 0; j < datt.size(); ++j) datt[j] += part[j];
      });
  if (const auto to = gradients.slot(left)) axpby(on, 1, dleft, to.beta, to.tensor);
  add_vector_gradient(on, datt, gradients.slot(att));
}

template <class Kind>
Var recorded(Tape& tape, Matrix y, const AttentionCall& call, Kind attention) {
  return Tape::of_destinations(
      tape.record_with_output(std::move(y), {call.inputs[0], call.inputs[1], call.inputs[2]},
                              [inputs = call.inputs, kind = std::move(attention)](
                                  const Backend& on, ConstTensor out, ConstTensor dy, Gradients& gradients) {
                                kind.backward(on, inputs, out, dy, gradients);
                              }));
}

}  // namespace

Var attend_in_rounds(Tape& tape, const AttentionCall& call) {
  const Backend& on = tape.on();
  const int heads = call.options.heads;
  const Var &h = call.inputs[0], &src = call.inputs[1], &dst = call.inputs[2];
  Attention attention{.rounds = AttentionInRounds(call.graph, call.pass),
                      .options = call.options,
                      .mask = call.mask,
                      .left = Matrix(h.rows(), heads),
                      .log_sums = Matrix(h.rows(), heads)};
  matmul(on, Trans::no, h.value(), Trans::yes, per_head(on, dst, heads), 0, attention.left);
  const Matrix per_source = per_head(on, src, heads);
  Matrix y(h.rows(), h.cols());
  attention.rounds.forward(on, h.value(),
                           [&](const AttentionEdges& edges, ConstTensor x, const Attended& out) {
                             attend(on, edges.graph.csr(), {},
                                    attention.over(edges, attention.right(on, per_source, x), x), out);
                           },
                           {y, attention.log_sums});
  return recorded(tape, std::move(y), call, std::move(attention));
}

Var attend_additive_in_rounds(Tape& tape, const AttentionCall& call) {
  const Backend& on = tape.on();
  const Var &left = call.inputs[0], &right = call.inputs[1], &att = call.inputs[2];
  AdditiveAttention attention{.rounds = AttentionInRounds(call.graph, call.pass),
                              .options = call.options,
                              .mask = call.mask,
                              .log_sums = Matrix(left.rows(), call.options.heads)};
  Matrix y(left.rows(), left.cols());
  attention.rounds.forward(on, right.value(),
                           [&](const AttentionEdges& edges, ConstTensor x, const Attended& out) {
                             attend(on, edges.graph.csr(), {},
                                    attention.over(edges, left.value(), x, elements(att)), out);
                           },
                           {y, attention.log_sums});
  return recorded(tape, std::move(y), call, std::move(attention));
}

}  // namespace kith
