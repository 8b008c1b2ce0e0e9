// Sums over rows: fixed chunks of rows are summed in fp64 by one thread a column, then the chunks in order,
// so the result does not depend on what ran when.
#include "kith/kernels/cuda/elements.h"
#include "kith/kernels/cuda/kernels.h"
#include "kith/kernels/cuda/reductions.h"

namespace kith {

using cuda::over_elements;
using cuda::over_warps;
using cuda::Staging;
using Index = std::int64_t;

namespace cuda {
namespace {

constexpr Index kRows = 256;

/// sums[j] = Σ_i term(i, j).
template <class Term>
void sum_columns(Staging& call, Index rows, Index cols, double* sums, Term term) {
  const Index chunks = (rows + kRows - 1) / kRows;
  auto* parts = call.scratch<double>(chunks * cols);
  over_elements(call, chunks, cols, [=] __device__(Index chunk, Index j) {
    const Index end = (chunk + 1) * kRows < rows ? (chunk + 1) * kRows : rows;
    double sum = 0;
    for (Index i = chunk * kRows; i < end; ++i) sum += term(i, j);
    parts[chunk * cols + j] = sum;
  });
  over_warps(call, cols, [=] __device__(Index j, int lane) {
    double sum = 0;
    for (Index chunk = lane; chunk < chunks; chunk += 32) sum += parts[chunk * cols + j];
    sum = group_sum(sum, 32, 0xffffffffu);
    if (lane == 0) sums[j] = sum;
  });
}

}  // namespace

void column_sums(Staging& call, Rows<const float> a, Index rows, Index cols, double* sums) {
  sum_columns(call, rows, cols, sums, [=] __device__(Index i, Index j) -> double { return a.row(i)[j]; });
}
void column_products(Staging& call, Rows<const float> a, Rows<const float> b, Index rows, Index cols,
                     double* sums) {
  sum_columns(call, rows, cols, sums, [=] __device__(Index i, Index j) -> double {
    return static_cast<double>(a.row(i)[j]) * b.row(i)[j];
  });
}
double total(Staging& call, const double* values, Index count) {
  auto* sum = call.scratch<double>(1);
  sum_columns(call, count, 1, sum, [=] __device__(Index i, Index) -> double { return values[i]; });
  double result = 0;
  call.device().copy(&result, sum, sizeof(result));
  return result;
}

}  // namespace cuda

void bias_backward(Cuda on, ConstTensor dy, float beta, std::span<float> dbias) {
  Staging call(on, "bias_backward", {{"rows", dy.rows}, {"cols", dy.cols}});
  auto* sums = call.scratch<double>(dy.cols);
  cuda::column_sums(call, call.read(dy), dy.rows, dy.cols, sums);
  float* to = beta == 0 ? call.write(dbias) : call.update(dbias);
  over_elements(call, 1, dy.cols, [=] __device__(Index, Index j) {
    to[j] = static_cast<float>(sums[j] + (beta == 0 ? 0.0 : static_cast<double>(beta) * to[j]));
  });
  call.finish();
}

void column_moments(Cuda on, ConstTensor a, ConstTensor b, std::span<double> sums) {
  Staging call(on, "column_moments", {{"rows", a.rows}, {"cols", a.cols}});
  const auto u = call.read(a), v = call.read(b);
  double* to = call.write(sums);
  cuda::column_sums(call, u, a.rows, a.cols, to);
  cuda::column_products(call, u, v, a.rows, a.cols, to + a.cols);
  call.finish();
}

void standardise_rows(Cuda on, ConstTensor x, float epsilon, Tensor y, std::span<float> inverse) {
  Staging call(on, "standardise_rows", {{"rows", x.rows}, {"cols", x.cols}});
  const auto from = call.read(x);
  const auto to = call.write(y);
  float* scales = call.write(inverse);
  const Index cols = x.cols;
  over_warps(call, x.rows, [=] __device__(Index i, int lane) {
    const float* row = from.row(i);
    const auto width = static_cast<double>(cols);
    double sum = 0, squares = 0;
    for (Index j = lane; j < cols; j += 32) sum += row[j];
    const double mean = cuda::group_sum(sum, 32, 0xffffffffu) / width;
    for (Index j = lane; j < cols; j += 32) squares += (row[j] - mean) * (row[j] - mean);
    const double scale = 1 / sqrt(cuda::group_sum(squares, 32, 0xffffffffu) / width + epsilon);
    if (lane == 0) scales[i] = static_cast<float>(scale);
    for (Index j = lane; j < cols; j += 32) to.row(i)[j] = static_cast<float>((row[j] - mean) * scale);
  });
  call.finish();
}

void standardise_rows_backward(Cuda on, ConstTensor y, std::span<const float> inverse, ConstTensor dy,
                               float beta, Tensor dx) {
  Staging call(on, "standardise_rows_backward", {{"rows", y.rows}, {"cols", y.cols}});
  const auto out = call.read(y), gradient = call.read(dy);
  const float* scales = call.read(inverse);
  const auto to = beta == 0 ? call.write(dx) : call.update(dx);
  const Index cols = y.cols;
  over_warps(call, y.rows, [=] __device__(Index i, int lane) {
    double plain = 0, product = 0;
    for (Index j = lane; j < cols; j += 32) {
      plain += gradient.row(i)[j];
      product += static_cast<double>(gradient.row(i)[j]) * out.row(i)[j];
    }
    const double mean = cuda::group_sum(plain, 32, 0xffffffffu) / static_cast<double>(cols);
    const double slope = cuda::group_sum(product, 32, 0xffffffffu) / static_cast<double>(cols);
    for (Index j = lane; j < cols; j += 32) {
      float& target = to.row(i)[j];
      const double value = scales[i] * (gradient.row(i)[j] - mean - out.row(i)[j] * slope);
      target = static_cast<float>(value) + cuda::scaled(beta, target);
    }
  });
  call.finish();
}

double softmax_cross_entropy(Cuda on, ConstTensor logits, std::span<const std::int64_t> labels,
                             std::span<const std::int32_t> rows, float scale, Tensor dlogits) {
  Staging call(on, "softmax_cross_entropy", {{"rows", rows.size()}, {"classes", logits.cols}});
  const auto from = call.read(logits);
  const std::int64_t* classes_of = call.read(labels.first(static_cast<std::size_t>(logits.rows)));
  const std::int32_t* list = call.read(rows);
  const auto to = call.write(dlogits);
  const Index count = std::ssize(rows), classes = logits.cols;
  auto* losses = call.scratch<double>(count);
  over_elements(call, dlogits.rows, dlogits.cols, [=] __device__(Index i, Index j) { to.row(i)[j] = 0; });
  over_warps(call, count, [=] __device__(Index position, int lane) {
    const Index i = list[position];
    const float* row = from.row(i);
    float largest = -FLT_MAX;
    for (Index j = lane; j < classes; j += 32) largest = fmaxf(largest, row[j]);
    largest = cuda::group_maximum(largest, 32, 0xffffffffu);
    double sum = 0;
    for (Index j = lane; j < classes; j += 32) sum += expf(row[j] - largest);
    sum = cuda::group_sum(sum, 32, 0xffffffffu);
    const auto factor = static_cast<float>(scale / sum);
    const std::int64_t label = classes_of[i];
    for (Index j = lane; j < classes; j += 32)
      to.row(i)[j] = factor * expf(row[j] - largest) - (j == label ? scale : 0.0f);
    // A label that is no class makes the loss NaN: what reads labels has checked them.
    if (lane == 0)
      losses[position] = label >= 0 && label < classes
                             ? log(sum) + (static_cast<double>(largest) - row[label])
                             : static_cast<double>(NAN);
  });
  const double sum = cuda::total(call, losses, count);
  call.finish();
  return scale * sum;
}

double sigmoid_cross_entropy(Cuda on, ConstTensor logits, ConstTensor targets,
                             std::span<const std::int32_t> rows, float scale, Tensor dlogits) {
  Staging call(on, "sigmoid_cross_entropy", {{"rows", rows.size()}, {"classes", logits.cols}});
  const auto from = call.read(logits), wanted = call.read(targets);
  const std::int32_t* list = call.read(rows);
  const auto to = call.write(dlogits);
  const Index count = std::ssize(rows), classes = logits.cols;
  auto* losses = call.scratch<double>(count);
  over_elements(call, dlogits.rows, dlogits.cols, [=] __device__(Index i, Index j) { to.row(i)[j] = 0; });
  over_warps(call, count, [=] __device__(Index position, int lane) {
    const Index i = list[position];
    double sum = 0;
    for (Index j = lane; j < classes; j += 32) {
      const float x = from.row(i)[j], t = wanted.row(i)[j];
      if (t != t) continue;
      // e = exp(−|x|) keeps both exact for any x.
      const float e = expf(-fabsf(x)), sigmoid = (x >= 0 ? 1.0f : e) / (1 + e);
      sum += fmaxf(x, 0.0f) - x * t + log1pf(e);
      to.row(i)[j] = scale * (sigmoid - t);
    }
    sum = cuda::group_sum(sum, 32, 0xffffffffu);
    if (lane == 0) losses[position] = sum;
  });
  const double sum = cuda::total(call, losses, count);
  call.finish();
  return scale * sum;
}

std::int64_t count_correct(Cuda on, ConstTensor logits, std::span<const std::int64_t> labels,
                           std::span<const std::int32_t> rows) {
  Staging call(on, "count_correct", {{"rows", rows.size()}, {"classes", logits.cols}});
  const auto from = call.read(logits);
  const std::int64_t* classes_of = call.read(labels.first(static_cast<std::size_t>(logits.rows)));
  const std::int32_t* list = call.read(rows);
  const Index count = std::ssize(rows), classes = logits.cols;
  auto* correct = call.scratch<double>(count);
  over_elements(call, 1, count, [=] __device__(Index, Index position) {
    const float* row = from.row(list[position]);
    Index best = 0;
    for (Index j = 1; j < classes; ++j)
      if (row[j] > row[best]) best = j;
    correct[position] = best == classes_of[list[position]] ? 1.0 : 0.0;
  });
  return static_cast<std::int64_t>(cuda::total(call, correct, count));
}

}  // namespace kith
