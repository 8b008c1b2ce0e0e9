// Attention by the entry: what the fused sweeps (attend.cu) are checked against, and what a model of one's
// own may use. A thread takes a head of a row, or a warp a row's columns; sums over a row are taken in entry
// order.
#include "kith/kernels/cuda/elements.h"
#include "kith/kernels/cuda/kernels.h"
#include "kith/kernels/cuda/reductions.h"

namespace kith {

using cuda::over_elements;
using cuda::over_warps;
using cuda::Staging;
using Index = std::int64_t;

namespace {

/// Rows of the matrix that a call is about.
struct Entries {
  const std::int64_t* indptr;
  const std::int32_t *indices, *list;
  Index count;
  __device__ Index row(Index position) const { return list == nullptr ? position : list[position]; }
};
Entries entries(Staging& call, CsrView<std::int32_t> a, std::span<const std::int32_t> rows) {
  return {call.read(a.indptr), call.read(a.indices), call.read(rows),
          rows.empty() ? a.n() : std::ssize(rows)};
}
/// Entry values of the rows of a list are written in part.
float* values_of(Staging& call, std::span<const std::int32_t> rows, std::span<float> values) {
  return rows.empty() ? call.write(values) : call.update(values);
}

__device__ float rectified(float z, float slope) { return z > 0 ? z : slope * z; }

}  // namespace

void sddmm_dot(Cuda on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, int heads, ConstTensor u,
               ConstTensor v, std::span<float> out) {
  Staging call(on, "sddmm_dot", {{"n", a.n()}, {"m", a.m()}, {"cols", u.cols}});
  const Entries e = entries(call, a, rows);
  const auto left = call.read(u), right = call.read(v);
  float* to = values_of(call, rows, out);
  const Index width = u.cols / heads;
  over_warps(call, e.count, [=] __device__(Index position, int lane) {
    const Index i = e.row(position);
    for (Index k = e.indptr[i]; k < e.indptr[i + 1]; ++k) {
      for (int h = 0; h < heads; ++h) {
        const float *p = left.row(i) + h * width, *q = right.row(e.indices[k]) + h * width;
        float sum = 0;
        for (Index j = lane; j < width; j += 32) sum = fmaf(p[j], __ldg(q + j), sum);
        sum = cuda::group_sum(sum, 32, 0xffffffffu);
        if (lane == 0) to[k * heads + h] = sum;
      }
    }
  });
  call.finish();
}

void edge_softmax(Cuda on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, ConstTensor left,
                  ConstTensor right, float slope, std::span<float> alpha) {
  Staging call(on, "edge_softmax", {{"n", a.n()}, {"m", a.m()}, {"heads", left.cols}});
  const Entries e = entries(call, a, rows);
  const auto own = call.read(left), other = call.read(right);
  float* to = values_of(call, rows, alpha);
  const Index heads = left.cols;
  over_elements(call, e.count, heads, [=] __device__(Index position, Index h) {
    const Index i = e.row(position);
    float largest = -FLT_MAX;
    for (Index k = e.indptr[i]; k < e.indptr[i + 1]; ++k) {
      const float s = rectified(own.row(i)[h] + other.row(e.indices[k])[h], slope);
      to[k * heads + h] = s;
      largest = fmaxf(largest, s);
    }
    double sum = 0;
    for (Index k = e.indptr[i]; k < e.indptr[i + 1]; ++k) {
      to[k * heads + h] = expf(to[k * heads + h] - largest);
      sum += to[k * heads + h];
    }
    const auto inverse = static_cast<float>(1 / sum);
    for (Index k = e.indptr[i]; k < e.indptr[i + 1]; ++k) to[k * heads + h] *= inverse;
  });
  call.finish();
}

void edge_softmax_backward(Cuda on, CsrView<std::int32_t> a, ConstTensor left, ConstTensor right, float slope,
                           std::span<const float> alpha, std::span<float> dalpha, Tensor dleft, float beta) {
  Staging call(on, "edge_softmax_backward", {{"n", a.n()}, {"m", a.m()}, {"heads", left.cols}});
  const Entries e = entries(call, a, {});
  const auto own = call.read(left), other = call.read(right);
  const float* p = call.read(alpha);
  float* dp = call.update(dalpha);
  const auto to = call.update(dleft);
  const Index heads = left.cols;
  over_elements(call, e.count, heads, [=] __device__(Index i, Index h) {
    double sum = 0, ds_sum = 0;
    for (Index k = e.indptr[i]; k < e.indptr[i + 1]; ++k)
      sum += static_cast<double>(p[k * heads + h]) * dp[k * heads + h];
    for (Index k = e.indptr[i]; k < e.indptr[i + 1]; ++k) {
      float ds = p[k * heads + h] * (dp[k * heads + h] - static_cast<float>(sum));
      if (!(own.row(i)[h] + other.row(e.indices[k])[h] > 0)) ds *= slope;
      dp[k * heads + h] = ds;
      ds_sum += ds;
    }
    float& target = to.row(i)[h];
    target = static_cast<float>(ds_sum) + cuda::scaled(beta, target);
  });
  call.finish();
}

void sum_edges(Cuda on, CsrView<std::int32_t> a, std::span<const std::int64_t> edge,
               std::span<const float> values, Tensor y, float beta) {
  Staging call(on, "sum_edges", {{"n", a.n()}, {"m", a.m()}, {"heads", y.cols}});
  const Entries e = entries(call, a, {});
  const std::int64_t* places = call.read(edge);
  const float* from = call.read(values);
  const auto to = call.update(y);
  const Index heads = y.cols;
  over_elements(call, e.count, heads, [=] __device__(Index i, Index h) {
    double sum = 0;
    for (Index k = e.indptr[i]; k < e.indptr[i + 1]; ++k)
      sum += from[(places == nullptr ? k : places[k]) * heads + h];
    float& target = to.row(i)[h];
    target = static_cast<float>(sum) + cuda::scaled(beta, target);
  });
  call.finish();
}

namespace {

struct Sides {
  cuda::Rows<const float> own, other;
  const float* att;
  Index cols, width;
  int heads;
  float slope;
};
Sides sides(Staging& call, const AdditiveScores& s) {
  return {call.read(s.own), call.read(s.other), call.read(s.att), s.own.cols, s.own.cols / s.heads, s.heads,
          s.slope};
}

}  // namespace

void additive_scores(Cuda on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
                     const AdditiveScores& scores, std::span<float> values) {
  Staging call(on, "additive_scores", {{"n", a.n()}, {"m", a.m()}, {"cols", scores.own.cols}});
  const Entries e = entries(call, a, rows);
  const Sides s = sides(call, scores);
  float* to = values_of(call, rows, values);
  over_warps(call, e.count, [=] __device__(Index position, int lane) {
    const Index i = e.row(position);
    for (Index k = e.indptr[i]; k < e.indptr[i + 1]; ++k) {
      const float *own = s.own.row(i), *other = s.other.row(e.indices[k]);
      for (int h = 0; h < s.heads; ++h) {
        float sum = 0;
        for (Index j = h * s.width + lane; j < (h + 1) * s.width; j += 32)
          sum = fmaf(s.att[j], rectified(own[j] + other[j], s.slope), sum);
        sum = cuda::group_sum(sum, 32, 0xffffffffu);
        if (lane == 0) to[k * s.heads + h] = sum;
      }
    }
  });
  call.finish();
}

void additive_scores_backward(Cuda on, CsrView<std::int32_t> a, std::span<const std::int64_t> edge,
                              const AdditiveScores& scores, std::span<const float> ds, Tensor d_own) {
  Staging call(on, "additive_scores_backward", {{"n", a.n()}, {"m", a.m()}, {"cols", scores.own.cols}});
  const Entries e = entries(call, a, {});
  const Sides s = sides(call, scores);
  const std::int64_t* places = call.read(edge);
  const float* from = call.read(ds);
  const auto to = call.update(d_own);
  over_elements(call, e.count, s.cols, [=] __device__(Index i, Index j) {
    float sum = 0;
    for (Index k = e.indptr[i]; k < e.indptr[i + 1]; ++k) {
      const float d = from[(places == nullptr ? k : places[k]) * s.heads + j / s.width];
      const float z = s.own.row(i)[j] + s.other.row(e.indices[k])[j];
      sum += d * s.att[j] * (z > 0 ? 1.0f : s.slope);
    }
    to.row(i)[j] = sum;
  });
  call.finish();
}

void attention_vector_backward(Cuda on, CsrView<std::int32_t> a, const AdditiveScores& scores,
                               std::span<const float> ds, std::span<double> d_att) {
  Staging call(on, "attention_vector_backward", {{"n", a.n()}, {"m", a.m()}, {"cols", scores.own.cols}});
  const Entries e = entries(call, a, {});
  const Sides s = sides(call, scores);
  const float* from = call.read(ds);
  double* to = call.write(d_att);
  // A row's part first: it is taken in entry order, and the rows' parts by fixed chunks.
  auto* parts = call.scratch<float>(e.count * s.cols);
  over_elements(call, e.count, s.cols, [=] __device__(Index i, Index j) {
    double sum = 0;
    for (Index k = e.indptr[i]; k < e.indptr[i + 1]; ++k) {
      const float z = s.own.row(i)[j] + s.other.row(e.indices[k])[j];
      sum += static_cast<double>(from[k * s.heads + j / s.width]) * rectified(z, s.slope);
    }
    parts[i * s.cols + j] = static_cast<float>(sum);
  });
  cuda::column_sums(call, {parts, s.cols}, e.count, s.cols, to);
  call.finish();
}

void row_softmax(Cuda on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, int heads,
                 std::span<float> values) {
  Staging call(on, "row_softmax", {{"n", a.n()}, {"m", a.m()}, {"heads", heads}});
  const Entries e = entries(call, a, rows);
  float* to = call.update(values);
  over_elements(call, e.count, heads, [=] __device__(Index position, Index h) {
    const Index i = e.row(position);
    float largest = -FLT_MAX;
    double sum = 0;
    for (Index k = e.indptr[i]; k < e.indptr[i + 1]; ++k) largest = fmaxf(largest, to[k * heads + h]);
    for (Index k = e.indptr[i]; k < e.indptr[i + 1]; ++k) {
      to[k * heads + h] = expf(to[k * heads + h] - largest);
      sum += to[k * heads + h];
    }
    for (Index k = e.indptr[i]; k < e.indptr[i + 1]; ++k)
      to[k * heads + h] = static_cast<float>(to[k * heads + h] / sum);
  });
  call.finish();
}

void row_softmax_backward(Cuda on, CsrView<std::int32_t> a, int heads, std::span<const float> alpha,
                          std::span<float> dvalues) {
  Staging call(on, "row_softmax_backward", {{"n", a.n()}, {"m", a.m()}, {"heads", heads}});
  const Entries e = entries(call, a, {});
  const float* p = call.read(alpha);
  float* to = call.update(dvalues);
  over_elements(call, e.count, heads, [=] __device__(Index i, Index h) {
    double sum = 0;
    for (Index k = e.indptr[i]; k < e.indptr[i + 1]; ++k)
      sum += static_cast<double>(p[k * heads + h]) * to[k * heads + h];
    for (Index k = e.indptr[i]; k < e.indptr[i + 1]; ++k)
      to[k * heads + h] = p[k * heads + h] * (to[k * heads + h] - static_cast<float>(sum));
  });
  call.finish();
}

}  // namespace kith
