// Both norms are a standardisation followed by a scale and a shift per column. Batch norm's means are over
// the rows of all ranks: fp64 sums, added over ranks forward and backward, so its gradient is that of one
// rank.
#include "kith/kernels/norm.h"

#include <cmath>
#include <numeric>
#include <vector>

#include "kith/exec/ops.h"
#include "kith/kernels/dense.h"

namespace kith {
namespace {

constexpr float kEpsilon = 1e-5f;

/// target = values + beta · target.
void put(const Backend& on, GradientSlot target, std::span<const double> values) {
  if (!target) return;
  const std::vector<float> row(values.begin(), values.end());
  axpby(on, 1, {row.data(), 1, std::ssize(row)}, target.beta, {target.tensor.data, 1, std::ssize(row)});
}

/// What batch norm learnt of its columns.
struct ColumnStatistics {
  double rows = 0;  ///< of all ranks
  std::vector<double> mean, variance;
};

/// Σ over all ranks' rows of a and of a ∘ b by column, and behind them the number of rows.
std::vector<double> summed_moments(const Backend& on, const LayerGraph& graph, ConstTensor a, ConstTensor b) {
  std::vector<double> sums(static_cast<std::size_t>(2 * a.cols) + 1);
  column_moments(on, a, b, std::span<double>(sums).first(static_cast<std::size_t>(2 * a.cols)));
  sums.back() = static_cast<double>(a.rows);
  graph.sum_over_ranks(sums);
  return sums;
}

ColumnStatistics statistics_of(const Backend& on, const LayerGraph& graph, ConstTensor x) {
  const std::vector<double> sums = summed_moments(on, graph, x, x);
  const auto width = static_cast<std::size_t>(x.cols);
  ColumnStatistics result{sums.back(), std::vector<double>(width), std::vector<double>(width)};
  for (std::size_t j = 0; j < width && result.rows > 0; ++j) {
    result.mean[j] = sums[j] / result.rows;
    result.variance[j] = std::max(0.0, sums[width + j] / result.rows - result.mean[j] * result.mean[j]);
  }
  return result;
}

Matrix standardised(const Backend& on, ConstTensor x, const ColumnStatistics& statistics) {
  const auto width = static_cast<std::size_t>(x.cols);
  std::vector<float> p(width), r(width);
  for (std::size_t j = 0; j < width; ++j) {
    const double inverse = 1 / std::sqrt(statistics.variance[j] + kEpsilon);
    p[j] = static_cast<float>(inverse);
    r[j] = static_cast<float>(-statistics.mean[j] * inverse);
  }
  Matrix y(x.rows, x.cols);
  combine_columns(on, {.p = p, .q = {}, .r = r}, x, x, y);
  return y;
}

/// dx = 1/σ · (dy − mean(dy) − y · mean(dy ∘ y)), means over all ranks' rows.
void standardise_backward(const Backend& on, const LayerGraph& graph, const ColumnStatistics& statistics,
                          ConstTensor y, ConstTensor dy, GradientSlot dx) {
  const std::vector<double> sums = summed_moments(on, graph, dy, y);
  if (!dx || statistics.rows == 0) return;
  const auto width = static_cast<std::size_t>(y.cols);
  std::vector<float> p(width), q(width), r(width);
  for (std::size_t j = 0; j < width; ++j) {
    const double inverse = 1 / std::sqrt(statistics.variance[j] + kEpsilon);
    p[j] = static_cast<float>(inverse);
    q[j] = static_cast<float>(-inverse * sums[width + j] / statistics.rows);
    r[j] = static_cast<float>(-inverse * sums[j] / statistics.rows);
  }
  combine_columns(on, {p, q, r, dx.beta}, dy, y, dx.tensor);
}

/// Running statistics move by what the optimiser takes off, summed over ranks as every gradient is.
void move_running(const Backend& on, const LayerGraph& graph, const RunningStatistics& running,
                  const ColumnStatistics& statistics, std::int64_t rows, GradientSlot mean,
                  GradientSlot variance) {
  const double share =
      statistics.rows > 0 ? static_cast<double>(rows) / statistics.rows / graph.independent_ranks() : 0;
  const double unbiased = statistics.rows > 1 ? statistics.rows / (statistics.rows - 1) : 1;
  const auto old_mean = host_copy_of(running.mean.value.span());
  const auto old_variance = host_copy_of(running.variance.value.span());
  std::vector<double> by_mean, by_variance;
  for (std::size_t j = 0; j < statistics.mean.size(); ++j) {
    by_mean.push_back(share * kNormMomentum * (old_mean[j] - statistics.mean[j]));
    by_variance.push_back(share * kNormMomentum * (old_variance[j] - unbiased * statistics.variance[j]));
  }
  put(on, mean, by_mean);
  put(on, variance, by_variance);
}

Var standardise_columns(Tape& tape, const LayerGraph& graph, const Var& x, const RunningStatistics& running) {
  if (!tape.training()) {
    const auto mean = host_copy_of(running.mean.value.span());
    const auto variance = host_copy_of(running.variance.value.span());
    const ColumnStatistics known{1, {mean.begin(), mean.end()}, {variance.begin(), variance.end()}};
    return tape.record(standardised(tape.on(), x.value(), known), {x},
                       [](const Backend&, ConstTensor, Gradients&) {});
  }
  const Var mean = tape.parameter(running.mean), variance = tape.parameter(running.variance);
  ColumnStatistics statistics = statistics_of(tape.on(), graph, x.value());
  Matrix y = standardised(tape.on(), x.value(), statistics);
  return tape.record_with_output(
      std::move(y), {x, mean, variance},
      [id = x.id(), mean, variance, &graph, running, statistics = std::move(statistics)](
          const Backend& on, ConstTensor out, ConstTensor dy, Gradients& gradients) {
        standardise_backward(on, graph, statistics, out, dy, gradients.slot(id));
        move_running(on, graph, running, statistics, out.rows, gradients.slot(mean),
                     gradients.slot(variance));
      });
}

Var standardise_rows(Tape& tape, const Var& x) {
  Matrix y(x.rows(), x.cols());
  Array<float> inverse(static_cast<std::size_t>(x.rows()));
  standardise_rows(tape.on(), x.value(), kEpsilon, y, inverse.span());
  return tape.record_with_output(
      std::move(y), {x},
      [id = x.id(), inverse = std::move(inverse)](const Backend& on, ConstTensor out, ConstTensor dy,
                                                  Gradients& gradients) {
        if (auto dx = gradients.slot(id))
          standardise_rows_backward(on, out, inverse.span(), dy, dx.beta, dx.tensor);
      });
}

}  // namespace

Var scale_by_one_plus(Tape& tape, const Var& x, const Parameter& epsilon) {
  require(epsilon.value.size() == 1, "scale_by_one_plus: epsilon is one number",
          {{"parameter", std::string_view(epsilon.name)}, {"elements", epsilon.value.size()}});
  const Var e = tape.parameter(epsilon);
  const float scale = 1 + host_copy_of(epsilon.value.span())[0];
  Matrix y(x.rows(), x.cols());
  axpby(tape.on(), scale, x.value(), 0, y);
  return tape.record(std::move(y), {x, e},
                     [x, e, scale](const Backend& on, ConstTensor dy, Gradients& gradients) {
                       const auto width = static_cast<std::size_t>(dy.cols);
                       std::vector<double> sums(2 * width);
                       column_moments(on, dy, x.value(), sums);
                       const double sum = std::accumulate(sums.begin() + dy.cols, sums.end(), 0.0);
                       put(on, gradients.slot(e), {&sum, 1});
                       if (auto dx = gradients.slot(x)) axpby(on, scale, dy, dx.beta, dx.tensor);
                     });
}

Var scale_and_shift(Tape& tape, const Var& x, const Parameter& weight, const Parameter& bias) {
  require(x.cols() == weight.value.size() && x.cols() == bias.value.size(),
          "scale_and_shift: weight and bias are as wide as x",
          {{"parameter", std::string_view(weight.name)}, {"x.cols", x.cols()}});
  const Var w = tape.parameter(weight), b = tape.parameter(bias);
  Matrix y(x.rows(), x.cols());
  combine_columns(tape.on(), {.p = weight.value.span(), .q = {}, .r = bias.value.span()}, x.value(),
                  x.value(), y);
  return tape.record(std::move(y), {x, w, b},
                     [x, w, b](const Backend& on, ConstTensor dy, Gradients& gradients) {
                       const auto width = static_cast<std::size_t>(dy.cols);
                       std::vector<double> sums(2 * width);
                       column_moments(on, dy, x.value(), sums);
                       put(on, gradients.slot(b), std::span<const double>(sums).first(width));
                       put(on, gradients.slot(w), std::span<const double>(sums).subspan(width));
                       const std::vector<float> zero(width, 0.0f);
                       const std::span<const float> factors(w.value().data, width);
                       if (auto dx = gradients.slot(x))
                         combine_columns(on, {factors, {}, zero, dx.beta}, dy, dy, dx.tensor);
                     });
}

Var layer_norm(Tape& tape, const Var& x, const Parameter& weight, const Parameter& bias) {
  return scale_and_shift(tape, standardise_rows(tape, x), weight, bias);
}

Var batch_norm(Tape& tape, const LayerGraph& graph, const Var& x, const Parameter& weight,
               const Parameter& bias, const RunningStatistics& running) {
  return scale_and_shift(tape, standardise_columns(tape, graph, x, running), weight, bias);
}

}  // namespace kith
