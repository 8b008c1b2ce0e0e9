#include "kith/kernels/dense.h"

#include <algorithm>

#include "kith/core/rehearsal.h"
#include "kith/exec/ops.h"

namespace kith {
namespace {

std::span<float> elements(Tensor t) { return {t.data, static_cast<std::size_t>(t.size())}; }

/// x's values in memory that may be changed.
Matrix own_copy(const Backend& on, Var& x) {
  Matrix y = Tape::memory_of(x);
  if (y.data() != x.value().data) axpby(on, 1, x.value(), 0, y);
  return y;
}

/// The gradient of an input that the op passed on as it was.
void pass_on(const Backend& on, ConstTensor dy, GradientSlot slot) {
  if (slot && slot.tensor.data != dy.data) axpby(on, 1, dy, slot.beta, slot.tensor);
}

/// The mask of dropout `number` of the pass.
RowDropout mask_of(const Tape& tape, const LayerGraph& graph, const Var& x, double p, std::uint64_t number) {
  require(x.rows() <= graph.sources(), "dropout: rows are the graph's sources",
          {{"x.rows", x.rows()}, {"sources", graph.sources()}});
  return {.p = static_cast<float>(p),
          .key = philox_key(tape.seed(), Stream::dropout, number),
          .step = tape.step(),
          .rows = graph.store_ids().first(static_cast<std::size_t>(x.rows()))};
}

}  // namespace

Var add_bias(Tape& tape, Var x, const Parameter& bias) {
  const Var b = tape.parameter(bias);
  require(x.cols() == bias.value.size(), "add_bias: the bias is as wide as x",
          {{"parameter", std::string_view(bias.name)}, {"x.cols", x.cols()}});
  Matrix y = own_copy(tape.on(), x);
  add_bias(tape.on(), bias.value.span(), y);
  const int x_id = x.id(), b_id = b.id();
  return tape.record(std::move(y), {x, b},
                     [x_id, b_id](const Backend& on, ConstTensor dy, Gradients& gradients) {
                       if (auto db = gradients.slot(b_id))
                         bias_backward(on, dy, db.beta, elements(db.tensor));
                       pass_on(on, dy, gradients.slot_in_place(x_id));
                     });
}

Var add(Tape& tape, Var a, Var b) {
  require(a.rows() == b.rows() && a.cols() == b.cols(), "add: both have one shape",
          {{"a.rows", a.rows()}, {"b.rows", b.rows()}, {"a.cols", a.cols()}, {"b.cols", b.cols()}});
  Matrix y = own_copy(tape.on(), a);
  axpby(tape.on(), 1, b.value(), 1, y);
  const int a_id = a.id(), b_id = b.id();
  return tape.record(std::move(y), {a, b},
                     [a_id, b_id](const Backend& on, ConstTensor dy, Gradients& gradients) {
                       pass_on(on, dy, gradients.slot(b_id));
                       pass_on(on, dy, gradients.slot_in_place(a_id));
                     });
}

Var relu(Tape& tape, Var x) {
  Matrix y = Tape::memory_of(x);
  relu(tape.on(), x.value(), y);
  Var result = tape.record_with_output(
      std::move(y), {x},
      [id = x.id()](const Backend& on, ConstTensor out, ConstTensor dy, Gradients& gradients) {
        if (auto dx = gradients.slot_in_place(id)) relu_backward(on, out, dy, dx.beta, dx.tensor);
      });
  tape.note_zeros(result, {});
  return result;
}

Var elu(Tape& tape, Var x) {
  Matrix y = Tape::memory_of(x);
  elu(tape.on(), x.value(), y);
  return tape.record_with_output(
      std::move(y), {x},
      [id = x.id()](const Backend& on, ConstTensor out, ConstTensor dy, Gradients& gradients) {
        if (auto dx = gradients.slot_in_place(id)) elu_backward(on, out, dy, dx.beta, dx.tensor);
      });
}

Var dropout(Tape& tape, const LayerGraph& graph, Var x, double p) {
  const std::uint64_t number = tape.next_dropout();
  if (!tape.training() || p <= 0) return x;
  const RowDropout mask = mask_of(tape, graph, x, p, number);
  const bool zeros = tape.zeros_of(x).has_value();
  const double density = x.rehearsed_density() * (1 - p);
  Matrix y = Tape::memory_of(x);
  dropout(tape.on(), mask, x.value(), 0, y);
  Var out = tape.record(std::move(y), {x},
                        [id = x.id(), mask](const Backend& on, ConstTensor dy, Gradients& gradients) {
                          if (auto dx = gradients.slot_in_place(id))
                            dropout(on, mask, dy, dx.beta, dx.tensor);
                        });
  Tape::set_rehearsed_density(out, density);
  if (zeros) tape.note_zeros(out, {mask.p, mask.key});
  // Of an input that stays where it is; another may have given its memory.
  if (!x.needs_gradient() && tape.remakes_next())
    Tape::set_remake(out, [x, mask](const Backend& on) {
      Matrix again(x.rows(), x.cols());
      dropout(on, mask, x.value(), 0, again);
      return again;
    });
  return out;
}

Var relu_dropout(Tape& tape, const LayerGraph& graph, Var x, double p) {
  const std::uint64_t number = tape.next_dropout();
  if (!tape.training() || p <= 0) return relu(tape, std::move(x));
  const RowDropout mask = mask_of(tape, graph, x, p, number);
  const float scale = p < 1 ? 1 / (1 - mask.p) : 0;
  Matrix y = Tape::memory_of(x);
  relu_dropout(tape.on(), mask, x.value(), y);
  Var result = tape.record_with_output(
      std::move(y), {x},
      [id = x.id(), scale](const Backend& on, ConstTensor out, ConstTensor dy, Gradients& gradients) {
        if (auto dx = gradients.slot_in_place(id)) relu_backward(on, out, dy, dx.beta, dx.tensor, scale);
      });
  tape.note_zeros(result, {mask.p, mask.key});
  return result;
}

Var destination_rows(Tape& tape, const LayerGraph& graph, const Var& x) {
  return first_rows(tape, x, graph.destinations());
}

Var first_rows(Tape& tape, const Var& x, std::int64_t rows) {
  if (x.rows() == rows) return x;
  require(x.rows() > rows, "first_rows: x has as many", {{"x.rows", x.rows()}, {"rows", rows}});
  Var out = tape.record_rows(x.value().row_range(0, rows), x,
                             [id = x.id(), rows](const Backend& on, ConstTensor dy, Gradients& gradients) {
                               auto dx = gradients.slot(id);
                               if (!dx) return;
                               axpby(on, 1, dy, dx.beta, dx.tensor.row_range(0, rows));
                               if (dx.beta == 0) fill(on, 0, dx.tensor.row_range(rows, dx.tensor.rows));
                             });
  Tape::set_rehearsed_density(out, x.rehearsed_density());
  return out;
}

Var mean_heads(Tape& tape, const Var& x, int heads) {
  const std::int64_t d = x.cols() / heads;
  const float share = 1.0f / static_cast<float>(heads);
  Matrix y(x.rows(), d);
  for (int h = 0; h < heads; ++h) {
    const ConstTensor part(x.value().data + h * d, x.rows(), d, x.value().stride);
    axpby(tape.on(), share, part, h == 0 ? 0.0f : 1.0f, y);
  }
  return tape.record(
      std::move(y), {x},
      [id = x.id(), heads, d, share](const Backend& on, ConstTensor dy, Gradients& gradients) {
        auto dx = gradients.slot(id);
        if (!dx) return;
        for (int h = 0; h < heads; ++h)
          axpby(on, share, dy, dx.beta, {dx.tensor.data + h * d, dy.rows, d, dx.tensor.stride});
      });
}

}  // namespace kith
