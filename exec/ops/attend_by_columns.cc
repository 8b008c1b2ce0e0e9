#include "kith/exec/halo/column_attention.h"
#include "kith/exec/ops/attend_elsewhere.h"
#include "kith/exec/ops/attention_heads.h"

namespace kith {
namespace {

/// ⟨a, h⟩ per head.
Matrix scores_of(const Backend& on, const Var& h, const Var& a, int heads) {
  Matrix scores(h.rows(), heads);
  matmul(on, Trans::no, h.value(), Trans::yes, per_head(on, a, heads), 0, scores);
  return scores;
}

void backward(const Backend& on, const ColumnAttention& attention, const std::array<Var, 3>& inputs,
              ConstTensor dy, Gradients& gradients) {
  const Var &h = inputs[0], &src = inputs[1], &dst = inputs[2];
  const ColumnAttention::Gradients made = attention.backward(on, dy);
  const auto heads = static_cast<int>(made.dleft.cols());
  if (const auto dh = gradients.slot(h)) {
    axpby(on, 1, made.dx, dh.beta, dh.tensor);
    matmul(on, Trans::no, made.dleft, Trans::no, per_head(on, dst, heads), 1, dh.tensor);
    matmul(on, Trans::no, made.dright, Trans::no, per_head(on, src, heads), 1, dh.tensor);
  }
  add_head_gradient(on, made.dright, h.value(), gradients.slot(src));
  add_head_gradient(on, made.dleft, h.value(), gradients.slot(dst));
}

void backward(const Backend& on, const ColumnAdditiveAttention& attention, const std::array<Var, 3>& inputs,
              ConstTensor dy, Gradients& gradients) {
  const ColumnAdditiveAttention::Gradients made = attention.backward(on, dy);
  if (const auto dleft = gradients.slot(inputs[0])) axpby(on, 1, made.dleft, dleft.beta, dleft.tensor);
  if (const auto dright = gradients.slot(inputs[1])) axpby(on, 1, made.dright, dright.beta, dright.tensor);
  add_vector_gradient(on, made.datt, gradients.slot(inputs[2]));
}

template <class Kind>
Var recorded(Tape& tape, Matrix y, const AttentionCall& call, Kind attention) {
  return Tape::of_destinations(tape.record(std::move(y), {call.inputs[0], call.inputs[1], call.inputs[2]},
                                           [inputs = call.inputs, kind = std::move(attention)](
                                               const Backend& on, ConstTensor dy, Gradients& gradients) {
                                             backward(on, kind, inputs, dy, gradients);
                                           }));
}

}  // namespace

Var attend_by_columns(Tape& tape, const AttentionCall& call) {
  const Backend& on = tape.on();
  const Var &h = call.inputs[0], &src = call.inputs[1], &dst = call.inputs[2];
  ColumnAttention attention(call.graph, call.pass, call.options.slope, call.mask);
  Matrix y = attention.forward(on, h.value(), scores_of(on, h, dst, call.options.heads),
                               scores_of(on, h, src, call.options.heads));
  return recorded(tape, std::move(y), call, std::move(attention));
}

Var attend_additive_by_columns(Tape& tape, const AttentionCall& call) {
  ColumnAdditiveAttention attention(call.graph, call.pass, call.options.slope, call.mask);
  Matrix y =
      attention.forward(tape.on(), call.inputs[0].value(), call.inputs[1].value(), elements(call.inputs[2]));
  return recorded(tape, std::move(y), call, std::move(attention));
}

}  // namespace kith
