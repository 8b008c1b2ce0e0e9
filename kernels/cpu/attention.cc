#include <algorithm>
#include <cmath>
#include <vector>

#include <hwy/cache_control.h>

#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/row_chunks.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/kernels/cpu/attention.cc"
// foreach_target.h includes this file once more for each instruction set, so it comes first.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
// clang-format on

// Edge values of a row stand one behind the other, so a row's softmax is three sweeps over a stretch of
// memory that stays in cache: scores and their maximum per head, exponentials (by vectors, whatever the
// heads), quotients. The sums of a row are taken in entry order by one thread, in double, so they do not
// depend on the number of threads.
HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void exp_in_place(float* x, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t j = 0;
  for (; j + lanes <= count; j += lanes) hn::StoreU(hn::Exp(d, hn::LoadU(d, x + j)), d, x + j);
  for (; j < count; ++j) x[j] = hn::GetLane(hn::Exp(one, hn::Set(one, x[j])));
}

float dot(const float* u, const float* v, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto sum0 = hn::Zero(d), sum1 = hn::Zero(d);
  std::int64_t j = 0;
  for (; j + 2 * lanes <= count; j += 2 * lanes) {
    sum0 = hn::MulAdd(hn::LoadU(d, u + j), hn::LoadU(d, v + j), sum0);
    sum1 = hn::MulAdd(hn::LoadU(d, u + j + lanes), hn::LoadU(d, v + j + lanes), sum1);
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1)));
  for (; j < count; ++j) sum += u[j] * v[j];
  return sum;
}

/// out[k, h] = ⟨u[h], v[columns[k], h]⟩ for the entries of one row.
void dot_row(const float* u, ConstTensor v, const std::int32_t* columns, std::int64_t count,
             std::int64_t heads, float* out) {
  constexpr std::int64_t kAhead = 16;
  const std::int64_t width = v.cols / heads;
  for (std::int64_t k = 0; k < count; ++k) {
    if (k + kAhead < count) {
      const float* p = v.row(columns[k + kAhead]);
      for (std::int64_t j = 0; j < v.cols; j += 16) hwy::Prefetch(p + j);
    }
    const float* from = v.row(columns[k]);
    for (std::int64_t h = 0; h < heads; ++h) out[k * heads + h] = dot(u + h * width, from + h * width, width);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith {
namespace {

HWY_EXPORT(exp_in_place);
HWY_EXPORT(dot_row);

constexpr std::int64_t kChunkCost = 8192;

/// Calls body(row, scratch) for all rows, or for those of the list, in parallel.
template <class Body>
void for_rows(CsrView<std::int32_t> a, std::span<const std::int32_t> rows, Body&& body) {
  if (a.n() == 0) return;
  const RowChunks chunks(a, rows, kChunkCost);
  parallel_for(0, chunks.count(), 1, [&](std::int64_t chunk, std::int64_t) {
    std::vector<double> scratch;
    for (std::int64_t i = chunks.begin(chunk); i < chunks.end(chunk); ++i) body(row_at(rows, i), scratch);
  });
}

struct Scores {
  ConstTensor left, right;
  float slope;
  float before_rectifier(std::int64_t i, std::int32_t column, std::int64_t h) const {
    return left(i, h) + right(column, h);
  }
};

/// s = leaky_relu(left + right) − its maximum in the row, per head.
void shifted_scores(const Scores& scores, std::int64_t i, std::span<const std::int32_t> columns, float* s) {
  const std::int64_t heads = scores.left.cols, count = static_cast<std::int64_t>(columns.size());
  for (std::int64_t k = 0; k < count; ++k) {
    for (std::int64_t h = 0; h < heads; ++h) {
      const float z = scores.before_rectifier(i, columns[k], h);
      s[k * heads + h] = z > 0 ? z : scores.slope * z;
    }
  }
  for (std::int64_t h = 0; h < heads; ++h) {
    float max = s[h];
    for (std::int64_t k = 1; k < count; ++k) max = std::max(max, s[k * heads + h]);
    for (std::int64_t k = 0; k < count; ++k) s[k * heads + h] -= max;
  }
}

/// sum[h] = Σ_k of term(k, h).
template <class Term>
void sum_heads(std::int64_t count, std::int64_t heads, std::vector<double>& sum, Term&& term) {
  sum.assign(static_cast<std::size_t>(heads), 0.0);
  for (std::int64_t k = 0; k < count; ++k) {
    for (std::int64_t h = 0; h < heads; ++h) sum[h] += term(k, h);
  }
}

}  // namespace

void sddmm_dot(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, int heads, ConstTensor u,
               ConstTensor v, std::span<float> out) {
  for_rows(a, rows, [&](std::int64_t i, std::vector<double>&) {
    HWY_DYNAMIC_DISPATCH(dot_row)
    (u.row(i), v, a.indices.data() + a.indptr[i], a.degree(i), heads, out.data() + a.indptr[i] * heads);
  });
}

void edge_softmax(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, ConstTensor left,
                  ConstTensor right, float slope, std::span<float> alpha) {
  const std::int64_t heads = left.cols;
  const Scores scores{left, right, slope};
  for_rows(a, rows, [&](std::int64_t i, std::vector<double>& sum) {
    const std::int64_t count = a.degree(i);
    if (count == 0) return;
    float* s = alpha.data() + a.indptr[i] * heads;
    shifted_scores(scores, i, a.row(i), s);
    HWY_DYNAMIC_DISPATCH(exp_in_place)(s, count * heads);
    sum_heads(count, heads, sum, [&](std::int64_t k, std::int64_t h) { return s[k * heads + h]; });
    for (double& value : sum) value = 1 / value;
    for (std::int64_t k = 0; k < count; ++k) {
      for (std::int64_t h = 0; h < heads; ++h) s[k * heads + h] *= static_cast<float>(sum[h]);
    }
  });
}

void edge_softmax_backward(Cpu, CsrView<std::int32_t> a, ConstTensor left, ConstTensor right, float slope,
                           std::span<const float> alpha, std::span<float> dalpha, Tensor dleft, float beta) {
  const std::int64_t heads = left.cols;
  const Scores scores{left, right, slope};
  for_rows(a, {}, [&](std::int64_t i, std::vector<double>& sum) {
    const std::int64_t count = a.degree(i);
    const auto columns = a.row(i);
    const float* p = alpha.data() + a.indptr[i] * heads;
    float* dp = dalpha.data() + a.indptr[i] * heads;
    sum_heads(count, heads, sum, [&](std::int64_t k, std::int64_t h) {
      return static_cast<double>(p[k * heads + h]) * dp[k * heads + h];
    });
    for (std::int64_t k = 0; k < count; ++k) {
      for (std::int64_t h = 0; h < heads; ++h) {
        const float ds = p[k * heads + h] * (dp[k * heads + h] - static_cast<float>(sum[h]));
        dp[k * heads + h] = scores.before_rectifier(i, columns[k], h) > 0 ? ds : slope * ds;
      }
    }
    sum_heads(count, heads, sum, [&](std::int64_t k, std::int64_t h) { return dp[k * heads + h]; });
    for (std::int64_t h = 0; h < heads; ++h) {
      dleft(i, h) = static_cast<float>(sum[h]) + (beta == 0 ? 0.0f : beta * dleft(i, h));
    }
  });
}

void sum_edges(Cpu, CsrView<std::int32_t> a, std::span<const std::int64_t> edge,
               std::span<const float> values, Tensor y, float beta) {
  const std::int64_t heads = y.cols;
  for_rows(a, {}, [&](std::int64_t i, std::vector<double>& sum) {
    sum_heads(a.degree(i), heads, sum, [&](std::int64_t k, std::int64_t h) {
      const std::int64_t e = a.indptr[i] + k;
      return values[(edge.empty() ? e : edge[e]) * heads + h];
    });
    for (std::int64_t h = 0; h < heads; ++h) {
      y(i, h) = static_cast<float>(sum[h]) + (beta == 0 ? 0.0f : beta * y(i, h));
    }
  });
}

}  // namespace kith
#endif
