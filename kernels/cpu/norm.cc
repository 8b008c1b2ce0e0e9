#include <algorithm>
#include <cmath>
#include <vector>

#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"

// Rows are independent; sums over rows are taken in fp64 over fixed chunks and added in order, so they do not
// depend on the number of threads.
namespace kith {
namespace {

constexpr std::int64_t kRows = 512;

struct RowMeans {
  double a, ab;
};

/// The means of a and of a ∘ b over one row.
RowMeans row_means(const float* a, const float* b, std::int64_t count) {
  RowMeans sums{0, 0};
  for (std::int64_t j = 0; j < count; ++j) {
    sums.a += a[j];
    sums.ab += static_cast<double>(a[j]) * b[j];
  }
  const auto width = static_cast<double>(count);
  return {sums.a / width, sums.ab / width};
}

template <class Body>
void for_rows(std::int64_t rows, Body&& body) {
  parallel_for(0, rows, kRows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) body(i);
  });
}

}  // namespace

void column_moments(Cpu, ConstTensor a, ConstTensor b, std::span<double> sums) {
  const auto width = static_cast<std::size_t>(a.cols);
  const std::int64_t chunks = (a.rows + kRows - 1) / kRows;
  std::vector<double> parts(static_cast<std::size_t>(chunks) * 2 * width, 0.0);
  parallel_for(0, a.rows, kRows, [&](std::int64_t begin, std::int64_t end) {
    double* plain = parts.data() + static_cast<std::size_t>(begin / kRows) * 2 * width;
    double* product = plain + width;
    for (std::int64_t i = begin; i < end; ++i) {
      const float *u = a.row(i), *v = b.row(i);
      for (std::size_t j = 0; j < width; ++j) plain[j] += u[j];
      for (std::size_t j = 0; j < width; ++j) product[j] += static_cast<double>(u[j]) * v[j];
    }
  });
  std::fill(sums.begin(), sums.end(), 0.0);
  for (std::size_t at = 0; at < parts.size(); ++at) sums[at % (2 * width)] += parts[at];
}

void combine_columns(Cpu, const ColumnTerms& terms, ConstTensor u, ConstTensor v, Tensor y) {
  for_rows(y.rows, [&](std::int64_t i) {
    const float *a = u.row(i), *b = v.row(i);
    float* out = y.row(i);
    for (std::int64_t j = 0; j < y.cols; ++j) {
      const float kept = terms.beta == 0 ? 0 : terms.beta * out[j];
      out[j] = terms.p[j] * a[j] + (terms.q.empty() ? 0 : terms.q[j] * b[j]) + terms.r[j] + kept;
    }
  });
}

void standardise_rows(Cpu, ConstTensor x, float epsilon, Tensor y, std::span<float> inverse) {
  for_rows(x.rows, [&](std::int64_t i) {
    const float* row = x.row(i);
    const double mean = row_means(row, row, x.cols).a;
    double variance = 0;
    for (std::int64_t j = 0; j < x.cols; ++j) variance += (row[j] - mean) * (row[j] - mean);
    const double scale = 1 / std::sqrt(variance / static_cast<double>(x.cols) + epsilon);
    inverse[i] = static_cast<float>(scale);
    for (std::int64_t j = 0; j < x.cols; ++j) y(i, j) = static_cast<float>((row[j] - mean) * scale);
  });
}

void standardise_rows_backward(Cpu, ConstTensor y, std::span<const float> inverse, ConstTensor dy, float beta,
                               Tensor dx) {
  for_rows(y.rows, [&](std::int64_t i) {
    const RowMeans means = row_means(dy.row(i), y.row(i), y.cols);
    for (std::int64_t j = 0; j < y.cols; ++j) {
      const auto value = static_cast<float>(inverse[i] * (dy(i, j) - means.a - y(i, j) * means.ab));
      dx(i, j) = value + (beta == 0 ? 0 : beta * dx(i, j));
    }
  });
}

}  // namespace kith
