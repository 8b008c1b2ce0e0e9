#include <algorithm>
#include <cmath>
#include <vector>

#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/row_chunks.h"

// Every output row is made by one thread, over its entries in order; sums over rows are taken by fixed chunks
// of rows.
namespace kith {
namespace {

constexpr std::int64_t kChunkCost = 4096;

template <class Body>
void for_rows(CsrView<std::int32_t> a, std::span<const std::int32_t> rows, Body&& body) {
  if (a.n() == 0) return;
  const RowChunks chunks(a, rows, kChunkCost);
  parallel_for(0, chunks.count(), 1, [&](std::int64_t chunk, std::int64_t) {
    for (std::int64_t p = chunks.begin(chunk); p < chunks.end(chunk); ++p) body(row_at(rows, p), chunk);
  });
}

float rectified(float z, float slope) { return z > 0 ? z : slope * z; }

float score(const AdditiveScores& s, const float* own, const float* other, std::int64_t begin,
            std::int64_t end) {
  float sum = 0;
  for (std::int64_t j = begin; j < end; ++j) sum += s.att[j] * rectified(own[j] + other[j], s.slope);
  return sum;
}

}  // namespace

void additive_scores(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
                     const AdditiveScores& s, std::span<float> values) {
  const std::int64_t width = s.own.cols / s.heads;
  for_rows(a, rows, [&](std::int64_t i, std::int64_t) {
    for (std::int64_t e = a.indptr[i]; e < a.indptr[i + 1]; ++e)
      for (std::int64_t h = 0; h < s.heads; ++h)
        values[e * s.heads + h] =
            score(s, s.own.row(i), s.other.row(a.indices[e]), h * width, (h + 1) * width);
  });
}

void additive_scores_backward(Cpu, CsrView<std::int32_t> a, std::span<const std::int64_t> edge,
                              const AdditiveScores& s, std::span<const float> ds, Tensor d_own) {
  const std::int64_t width = s.own.cols / s.heads;
  for_rows(a, {}, [&](std::int64_t i, std::int64_t) {
    const float* own = s.own.row(i);
    float* out = d_own.row(i);
    std::fill_n(out, d_own.cols, 0.0f);
    for (std::int64_t e = a.indptr[i]; e < a.indptr[i + 1]; ++e) {
      const float* other = s.other.row(a.indices[e]);
      const float* d = ds.data() + (edge.empty() ? e : edge[e]) * s.heads;
      for (std::int64_t j = 0; j < d_own.cols; ++j)
        out[j] += d[j / width] * s.att[j] * (own[j] + other[j] > 0 ? 1.0f : s.slope);
    }
  });
}

void attention_vector_backward(Cpu, CsrView<std::int32_t> a, const AdditiveScores& s,
                               std::span<const float> ds, std::span<double> d_att) {
  std::fill(d_att.begin(), d_att.end(), 0.0);
  if (a.n() == 0) return;
  const std::int64_t width = s.own.cols / s.heads;
  const std::int64_t chunks = RowChunks(a, {}, kChunkCost).count();
  std::vector<double> parts(static_cast<std::size_t>(chunks) * d_att.size(), 0.0);
  for_rows(a, {}, [&](std::int64_t i, std::int64_t chunk) {
    double* part = parts.data() + static_cast<std::size_t>(chunk) * d_att.size();
    for (std::int64_t e = a.indptr[i]; e < a.indptr[i + 1]; ++e) {
      const float *own = s.own.row(i), *other = s.other.row(a.indices[e]);
      for (std::int64_t j = 0; j < s.own.cols; ++j)
        part[j] += static_cast<double>(ds[e * s.heads + j / width]) * rectified(own[j] + other[j], s.slope);
    }
  });
  for (std::size_t at = 0; at < parts.size(); ++at) d_att[at % d_att.size()] += parts[at];
}

void row_softmax(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, int heads,
                 std::span<float> values) {
  for_rows(a, rows, [&](std::int64_t i, std::int64_t) {
    const std::int64_t begin = a.indptr[i] * heads, end = a.indptr[i + 1] * heads;
    for (std::int64_t first = begin; first < begin + heads && first < end; ++first) {
      float largest = values[first];
      for (std::int64_t e = first; e < end; e += heads) largest = std::max(largest, values[e]);
      double sum = 0;
      for (std::int64_t e = first; e < end; e += heads) sum += values[e] = std::exp(values[e] - largest);
      for (std::int64_t e = first; e < end; e += heads) values[e] = static_cast<float>(values[e] / sum);
    }
  });
}

void row_softmax_backward(Cpu, CsrView<std::int32_t> a, int heads, std::span<const float> alpha,
                          std::span<float> dvalues) {
  for_rows(a, {}, [&](std::int64_t i, std::int64_t) {
    const std::int64_t begin = a.indptr[i] * heads, end = a.indptr[i + 1] * heads;
    for (std::int64_t first = begin; first < begin + heads && first < end; ++first) {
      double sum = 0;
      for (std::int64_t e = first; e < end; e += heads) sum += static_cast<double>(alpha[e]) * dvalues[e];
      for (std::int64_t e = first; e < end; e += heads)
        dvalues[e] = alpha[e] * (dvalues[e] - static_cast<float>(sum));
    }
  });
}

}  // namespace kith
