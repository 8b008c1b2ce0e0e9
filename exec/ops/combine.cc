#include "kith/exec/ops.h"
#include "kith/kernels/dense.h"

namespace kith {
namespace {

/// Columns [first, first + count) of t.
template <class T>
BasicTensor<T> columns(const BasicTensor<T>& t, std::int64_t first, std::int64_t count) {
  return {t.data + first, t.rows, count, t.stride};
}

}  // namespace

Var concatenate(Tape& tape, const Var& a, const Var& b) {
  require(a.rows() == b.rows(), "concatenate: both have the same rows",
          {{"a.rows", a.rows()}, {"b.rows", b.rows()}});
  const std::int64_t left = a.cols(), right = b.cols();
  Matrix y(a.rows(), left + right);
  axpby(tape.on(), 1, a.value(), 0, columns(y.view(), 0, left));
  axpby(tape.on(), 1, b.value(), 0, columns(y.view(), left, right));
  const int a_id = a.id(), b_id = b.id();
  return tape.record(std::move(y), {a, b}, [=](const Backend& on, ConstTensor dy, Gradients& gradients) {
    if (auto da = gradients.slot(a_id)) axpby(on, 1, columns(dy, 0, left), da.beta, da.tensor);
    if (auto db = gradients.slot(b_id)) axpby(on, 1, columns(dy, left, right), db.beta, db.tensor);
  });
}

Var maximum(Tape& tape, const Var& a, const Var& b) {
  require(a.rows() == b.rows() && a.cols() == b.cols(), "maximum: both have one shape",
          {{"a.rows", a.rows()}, {"b.rows", b.rows()}, {"a.cols", a.cols()}, {"b.cols", b.cols()}});
  Matrix y(a.rows(), a.cols());
  maximum(tape.on(), a.value(), b.value(), y);
  return tape.record(std::move(y), {a, b}, [a, b](const Backend& on, ConstTensor dy, Gradients& gradients) {
    if (auto da = gradients.slot(a))
      maximum_backward(on, a.value(), b.value(), Side::first, dy, da.beta, da.tensor);
    if (auto db = gradients.slot(b))
      maximum_backward(on, a.value(), b.value(), Side::second, dy, db.beta, db.tensor);
  });
}

}  // namespace kith
