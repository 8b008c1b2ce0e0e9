// Levels low + Δ q. From first ones every element takes its nearest level; then low and Δ are the straight
// line that fits x over q best, a few times over (for one bit Lloyd's 1957 algorithm). A line fits at least
// as well as the mean, so the loss is at most ‖x − μ‖ whatever the row is: a range of the least and the
// largest element, as stochastic rounding has it, would lose more than the row itself where one element
// stands far out.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "kith/core/dtype.h"
#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/quantise.h"

namespace kith {
namespace {

struct Levels {
  double low, step, most;  ///< most: the largest q
  double q(float x) const { return step > 0 ? std::clamp(std::nearbyint((x - low) / step), 0.0, most) : 0; }
};

/// Good for elements that spread like a normal distribution (Max 1960); with 8 bits the range is.
double first_step(double deviation, double largest, int bits) {
  switch (bits) {
    case 1: return 1.596 * deviation;
    case 2: return 0.996 * deviation;
    case 4: return std::max(0.335 * deviation, largest / 30);
    default: return largest / 127.5;
  }
}

void fit_line(const float* x, std::int64_t cols, double mean, Levels& levels) {
  double sum = 0, squares = 0, product = 0;
  for (std::int64_t j = 0; j < cols; ++j) {
    const double q = levels.q(x[j]);
    sum += q;
    squares += q * q;
    product += q * (x[j] - mean);
  }
  const double spread = squares - sum * sum / static_cast<double>(cols);
  if (!(spread > 0) || !(product > 0)) return;
  levels.step = product / spread;
  levels.low = mean - levels.step * sum / static_cast<double>(cols);
}

Levels fitted(const float* x, std::int64_t cols, int bits) {
  double sum = 0, squares = 0, largest = 0;
  for (std::int64_t j = 0; j < cols; ++j) sum += x[j];
  const double mean = sum / static_cast<double>(cols);
  for (std::int64_t j = 0; j < cols; ++j) {
    squares += (x[j] - mean) * (x[j] - mean);
    largest = std::max(largest, std::abs(x[j] - mean));
  }
  const double most = (1 << bits) - 1;
  const double step = first_step(std::sqrt(squares / static_cast<double>(cols)), largest, bits);
  Levels levels{mean - step * most / 2, step, most};
  constexpr int kRounds = 4;
  for (int round = 0; round < kRounds; ++round) fit_line(x, cols, mean, levels);
  return levels;
}

void quantise_row(const float* x, std::int64_t cols, int bits, std::byte* out) {
  const Levels exact = fitted(x, cols, bits);
  QuantisedHeader header{0, 0x7fc0};
  if (std::isfinite(exact.low) && std::isfinite(exact.step))
    header = {bf16_of_float(static_cast<float>(exact.low)), bf16_of_float(static_cast<float>(exact.step))};
  std::memcpy(out, &header, sizeof(header));
  out += sizeof(header);
  std::fill_n(out, (cols * bits + 7) / 8, std::byte{0});
  // To the levels that the receiver will read.
  const Levels said{float_of_bf16(header.low), float_of_bf16(header.step), exact.most};
  if (!(said.step >= 0)) return;
  for (std::int64_t j = 0; j < cols; ++j)
    out[j * bits / 8] |= static_cast<std::byte>(static_cast<unsigned>(said.q(x[j])) << (j * bits % 8));
}

}  // namespace

void quantise_rows_to_nearest(Cpu, ConstTensor x, int bits, std::byte* out) {
  if (x.cols == 0) return;
  const std::int64_t row_bytes = quantised_row_bytes(bits, x.cols);
  parallel_for(0, x.rows, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) quantise_row(x.row(i), x.cols, bits, out + i * row_bytes);
  });
}

}  // namespace kith
