#include <algorithm>
#include <cmath>
#include <vector>

#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/kernels/cpu/loss.cc"
// foreach_target.h includes this file once more for each instruction set, so it comes first.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
// clang-format on

// Softmax, per row: the exponentials of (logit − max) are written to dlogits, then turned into softmax −
// onehot in place.
HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// out[j] = exp(x[j] − shift).
void exp_row(const float* x, float shift, float* out, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    hn::StoreU(hn::Exp(d, hn::Sub(hn::LoadU(d, x + j), hn::Set(d, shift))), d, out + j);
  }
  for (; j < count; ++j) out[j] = hn::GetLane(hn::Exp(one, hn::Set(one, x[j] - shift)));
}

/// The loss and gradient of one vector of logits: e = exp(−|x|) keeps both exact for any x.
template <class D>
HWY_INLINE hn::Vec<D> sigmoid_loss(D d, hn::Vec<D> x, hn::Vec<D> t, hn::Vec<D> scale, hn::Vec<D>& gradient) {
  const auto zero = hn::Zero(d), one = hn::Set(d, 1.0f);
  const auto e = hn::Exp(d, hn::Neg(hn::Abs(x)));
  const auto sigmoid = hn::Div(hn::IfThenElse(hn::Ge(x, zero), one, e), hn::Add(one, e));
  const auto loss = hn::Add(hn::NegMulAdd(x, t, hn::Max(x, zero)), hn::Log1p(d, e));
  const auto none = hn::IsNaN(t);
  gradient = hn::IfThenElse(none, zero, hn::Mul(scale, hn::Sub(sigmoid, t)));
  return hn::IfThenElse(none, zero, loss);
}

/// loss[j] and gradient[j] of one row.
void sigmoid_row(const float* x, const float* t, float scale, float* loss, float* gradient,
                 std::int64_t count) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    auto dx = hn::Zero(d);
    hn::StoreU(sigmoid_loss(d, hn::LoadU(d, x + j), hn::LoadU(d, t + j), hn::Set(d, scale), dx), d, loss + j);
    hn::StoreU(dx, d, gradient + j);
  }
  for (; j < count; ++j) {
    auto dx = hn::Zero(one);
    loss[j] = hn::GetLane(sigmoid_loss(one, hn::Set(one, x[j]), hn::Set(one, t[j]), hn::Set(one, scale), dx));
    gradient[j] = hn::GetLane(dx);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith {
namespace {

HWY_EXPORT(exp_row);
HWY_EXPORT(sigmoid_row);
constexpr std::int64_t kRows = 256;

/// logsumexp(logits) − logits[label]; gradient gets scale · (softmax − onehot).
double cross_entropy_row(const float* logits, std::int64_t classes, std::int64_t label, float scale,
                         float* gradient) {
  const float max = *std::max_element(logits, logits + classes);
  HWY_DYNAMIC_DISPATCH(exp_row)(logits, max, gradient, classes);
  double sum = 0;
  for (std::int64_t j = 0; j < classes; ++j) sum += gradient[j];
  const auto factor = static_cast<float>(scale / sum);
  for (std::int64_t j = 0; j < classes; ++j) gradient[j] *= factor;
  gradient[label] -= scale;
  return std::log(sum) + (static_cast<double>(max) - logits[label]);
}

void clear(Tensor t) {
  parallel_for(0, t.rows, kRows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) std::fill_n(t.row(i), t.cols, 0.0f);
  });
}

}  // namespace

double softmax_cross_entropy(Cpu, ConstTensor logits, std::span<const std::int64_t> labels,
                             std::span<const std::int32_t> rows, float scale, Tensor dlogits) {
  clear(dlogits);
  const double sum = parallel_reduce(
      0, static_cast<std::int64_t>(rows.size()), kRows, 0.0,
      [&](std::int64_t begin, std::int64_t end) {
        double part = 0;
        for (std::int64_t i = begin; i < end; ++i) {
          const std::int32_t row = rows[i];
          const std::int64_t label = labels[row];
          require(label >= 0 && label < logits.cols, "softmax_cross_entropy: a label is a class",
                  {{"row", row}, {"label", label}, {"classes", logits.cols}});
          part += cross_entropy_row(logits.row(row), logits.cols, label, scale, dlogits.row(row));
        }
        return part;
      },
      [](double a, double b) { return a + b; });
  return scale * sum;
}

double sigmoid_cross_entropy(Cpu, ConstTensor logits, ConstTensor targets, std::span<const std::int32_t> rows,
                             float scale, Tensor dlogits) {
  clear(dlogits);
  const double sum = parallel_reduce(
      0, static_cast<std::int64_t>(rows.size()), kRows, 0.0,
      [&](std::int64_t begin, std::int64_t end) {
        std::vector<float> loss(static_cast<std::size_t>(logits.cols));
        double part = 0;
        for (std::int64_t i = begin; i < end; ++i) {
          const std::int32_t row = rows[i];
          HWY_DYNAMIC_DISPATCH(sigmoid_row)
          (logits.row(row), targets.row(row), scale, loss.data(), dlogits.row(row), logits.cols);
          for (const float value : loss) part += value;
        }
        return part;
      },
      [](double a, double b) { return a + b; });
  return scale * sum;
}

std::int64_t count_correct(Cpu, ConstTensor logits, std::span<const std::int64_t> labels,
                           std::span<const std::int32_t> rows) {
  return parallel_reduce(
      0, static_cast<std::int64_t>(rows.size()), kRows, std::int64_t{0},
      [&](std::int64_t begin, std::int64_t end) {
        std::int64_t correct = 0;
        for (std::int64_t i = begin; i < end; ++i) {
          const float* row = logits.row(rows[i]);
          correct += std::max_element(row, row + logits.cols) - row == labels[rows[i]];
        }
        return correct;
      },
      [](std::int64_t a, std::int64_t b) { return a + b; });
}

}  // namespace kith
#endif
