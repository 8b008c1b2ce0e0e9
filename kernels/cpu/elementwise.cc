#include <algorithm>
#include <cmath>

#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/kernels/cpu/elementwise.cc"
// foreach_target.h includes this file once more for each instruction set, so it comes first.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
// clang-format on

// Loops over elements, one row (or, where all matrices are contiguous, one stretch of many rows) at a time.
// The plain loops are vectorised by the compiler for each instruction set; elu's exponential is Highway's.
HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void relu_row(const float* x, float* y, std::int64_t count) {
  for (std::int64_t j = 0; j < count; ++j) y[j] = x[j] > 0 ? x[j] : 0;
}

void relu_backward_row(const float* y, const float* dy, float scale, float beta, float* dx,
                       std::int64_t count) {
  if (beta == 0) {
    for (std::int64_t j = 0; j < count; ++j) dx[j] = y[j] > 0 ? scale * dy[j] : 0;
  } else {
    for (std::int64_t j = 0; j < count; ++j) dx[j] = beta * dx[j] + (y[j] > 0 ? scale * dy[j] : 0);
  }
}

template <class D>
HWY_INLINE hn::Vec<D> elu_of(D d, hn::Vec<D> x) {
  const auto negative = hn::Expm1(d, hn::Min(x, hn::Zero(d)));
  return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, negative);
}

void elu_row(const float* x, float* y, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t j = 0;
  for (; j + lanes <= count; j += lanes) hn::StoreU(elu_of(d, hn::LoadU(d, x + j)), d, y + j);
  for (; j < count; ++j) hn::StoreU(elu_of(one, hn::LoadU(one, x + j)), one, y + j);
}

void elu_backward_row(const float* y, const float* dy, float beta, float* dx, std::int64_t count) {
  if (beta == 0) {
    for (std::int64_t j = 0; j < count; ++j) dx[j] = y[j] > 0 ? dy[j] : dy[j] * (y[j] + 1);
  } else {
    for (std::int64_t j = 0; j < count; ++j) dx[j] = beta * dx[j] + (y[j] > 0 ? dy[j] : dy[j] * (y[j] + 1));
  }
}

void axpby_row(float alpha, const float* x, float beta, float* y, std::int64_t count) {
  if (beta == 0) {
    for (std::int64_t j = 0; j < count; ++j) y[j] = alpha * x[j];
  } else {
    for (std::int64_t j = 0; j < count; ++j) y[j] = alpha * x[j] + beta * y[j];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith {
namespace {

HWY_EXPORT(relu_row);
HWY_EXPORT(relu_backward_row);
HWY_EXPORT(elu_row);
HWY_EXPORT(elu_backward_row);
HWY_EXPORT(axpby_row);

constexpr std::int64_t kGrain = 1 << 15;

/// Calls body(i, j, count) for stretches of elements that begin at (i, j) and tile [rows, cols].
template <class Body>
void for_elements(std::int64_t rows, std::int64_t cols, bool contiguous, Body&& body) {
  if (rows == 0 || cols == 0) return;
  if (contiguous) {
    parallel_for(0, rows * cols, kGrain,
                 [&](std::int64_t begin, std::int64_t end) { body(0, begin, end - begin); });
    return;
  }
  parallel_for(0, rows, std::max<std::int64_t>(1, kGrain / cols), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) body(i, 0, cols);
  });
}

}  // namespace

void add_bias(Cpu, std::span<const float> bias, Tensor y) {
  parallel_for(0, y.rows, std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(y.cols, 1)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   HWY_DYNAMIC_DISPATCH(axpby_row)(1, bias.data(), 1, y.row(i), y.cols);
                 }
               });
}

void bias_backward(Cpu, ConstTensor dy, float beta, std::span<float> dbias) {
  const std::int64_t d = dy.cols;
  constexpr std::int64_t kRows = 1024;
  Matrix sums((dy.rows + kRows - 1) / kRows, d, 0.0f);
  parallel_for(0, dy.rows, kRows, [&](std::int64_t begin, std::int64_t end) {
    float* sum = &sums(begin / kRows, 0);
    for (std::int64_t i = begin; i < end; ++i) HWY_DYNAMIC_DISPATCH(axpby_row)(1, dy.row(i), 1, sum, d);
  });
  for (std::int64_t j = 0; j < d; ++j) {
    double sum = beta == 0 ? 0.0 : static_cast<double>(beta) * dbias[j];
    for (std::int64_t c = 0; c < sums.rows(); ++c) sum += sums(c, j);
    dbias[j] = static_cast<float>(sum);
  }
}

void relu(Cpu, ConstTensor x, Tensor y) {
  for_elements(x.rows, x.cols, x.contiguous() && y.contiguous(),
               [&](std::int64_t i, std::int64_t j, std::int64_t count) {
                 HWY_DYNAMIC_DISPATCH(relu_row)(x.row(i) + j, y.row(i) + j, count);
               });
}

void elu(Cpu, ConstTensor x, Tensor y) {
  for_elements(x.rows, x.cols, x.contiguous() && y.contiguous(),
               [&](std::int64_t i, std::int64_t j, std::int64_t count) {
                 HWY_DYNAMIC_DISPATCH(elu_row)(x.row(i) + j, y.row(i) + j, count);
               });
}

void relu_backward(Cpu, ConstTensor y, ConstTensor dy, float beta, Tensor dx, float scale) {
  for_elements(y.rows, y.cols, y.contiguous() && dy.contiguous() && dx.contiguous(),
               [&](std::int64_t i, std::int64_t j, std::int64_t count) {
                 HWY_DYNAMIC_DISPATCH(relu_backward_row)
                 (y.row(i) + j, dy.row(i) + j, scale, beta, dx.row(i) + j, count);
               });
}

void elu_backward(Cpu, ConstTensor y, ConstTensor dy, float beta, Tensor dx) {
  for_elements(y.rows, y.cols, y.contiguous() && dy.contiguous() && dx.contiguous(),
               [&](std::int64_t i, std::int64_t j, std::int64_t count) {
                 HWY_DYNAMIC_DISPATCH(elu_backward_row)
                 (y.row(i) + j, dy.row(i) + j, beta, dx.row(i) + j, count);
               });
}

void fill(Cpu, float value, Tensor y) {
  for_elements(y.rows, y.cols, y.contiguous(), [&](std::int64_t i, std::int64_t j, std::int64_t count) {
    std::fill_n(y.row(i) + j, count, value);
  });
}

void maximum(Cpu, ConstTensor a, ConstTensor b, Tensor y) {
  for_elements(y.rows, y.cols, false, [&](std::int64_t i, std::int64_t, std::int64_t count) {
    for (std::int64_t j = 0; j < count; ++j) y(i, j) = std::max(a(i, j), b(i, j));
  });
}

void maximum_backward(Cpu, ConstTensor a, ConstTensor b, Side side, ConstTensor dy, float beta, Tensor dx) {
  for_elements(dy.rows, dy.cols, false, [&](std::int64_t i, std::int64_t, std::int64_t count) {
    for (std::int64_t j = 0; j < count; ++j) {
      const bool chosen = (a(i, j) >= b(i, j)) == (side == Side::first);
      dx(i, j) = (chosen ? dy(i, j) : 0) + (beta == 0 ? 0 : beta * dx(i, j));
    }
  });
}

void spread_heads(Cpu, std::span<const float> a, Tensor blocks) {
  const std::int64_t d = blocks.cols / blocks.rows;
  for (std::int64_t h = 0; h < blocks.rows; ++h)
    for (std::int64_t j = 0; j < blocks.cols; ++j) blocks(h, j) = j / d == h ? a[j] : 0;
}

void gather_heads(Cpu, ConstTensor blocks, float beta, std::span<float> a) {
  const std::int64_t d = blocks.cols / blocks.rows;
  for (std::int64_t j = 0; j < blocks.cols; ++j) a[j] = blocks(j / d, j) + (beta == 0 ? 0 : beta * a[j]);
}

void axpby(Cpu, float alpha, ConstTensor x, float beta, Tensor y) {
  for_elements(x.rows, x.cols, x.contiguous() && y.contiguous(),
               [&](std::int64_t i, std::int64_t j, std::int64_t count) {
                 HWY_DYNAMIC_DISPATCH(axpby_row)(alpha, x.row(i) + j, beta, y.row(i) + j, count);
               });
}

}  // namespace kith
#endif
