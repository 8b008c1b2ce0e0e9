#include <algorithm>

#include "kith/core/parallel.h"
#include "kith/core/rehearsal.h"
#include "kith/exec/ops.h"
#include "kith/kernels/dense.h"

namespace kith {
namespace {

constexpr std::int64_t kRows = 512;

template <class Body>
void for_elements(ConstTensor shape, Body&& body) {
  if (rehearsing()) return;
  parallel_for(0, shape.rows, kRows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t j = 0; j < shape.cols; ++j) body(i, j);
  });
}

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
  for_elements(y,
               [&](std::int64_t i, std::int64_t j) { y(i, j) = std::max(a.value()(i, j), b.value()(i, j)); });
  return tape.record(std::move(y), {a, b}, [a, b](const Backend&, ConstTensor dy, Gradients& gradients) {
    const auto give = [&](GradientSlot slot, bool first) {
      if (!slot) return;
      for_elements(dy, [&](std::int64_t i, std::int64_t j) {
        const bool chosen = (a.value()(i, j) >= b.value()(i, j)) == first;
        slot.tensor(i, j) = (chosen ? dy(i, j) : 0) + (slot.beta == 0 ? 0 : slot.tensor(i, j));
      });
    };
    give(gradients.slot(a), true);
    give(gradients.slot(b), false);
  });
}

}  // namespace kith
