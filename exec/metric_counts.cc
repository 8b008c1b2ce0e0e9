#include "kith/exec/metric_counts.h"

#include <algorithm>
#include <cmath>

namespace kith {

void ClassCounts::add(ConstTensor logits, const LabelView& labels, std::span<const std::int32_t> rows) {
  for (const std::int32_t row : rows) {
    const float* x = logits.row(row);
    if (!labels.multi_label()) {
      const std::int64_t guess = std::max_element(x, x + logits.cols) - x, truth = labels.classes[row];
      ++labelled();
      if (guess == truth) {
        ++count(true_positive, truth);
      } else {
        ++count(false_positive, guess);
        ++count(false_negative, truth);
      }
      continue;
    }
    for (std::int64_t c = 0; c < logits.cols; ++c) {
      const float target = labels.multi[row * labels.count + c];
      if (std::isnan(target)) continue;
      ++labelled();
      ++counts_.back();
      const bool guess = x[c] > 0, truth = target > 0.5f;
      if (guess && truth) ++count(true_positive, c);
      if (guess && !truth) ++count(false_positive, c);
      if (!guess && truth) ++count(false_negative, c);
    }
  }
}

double ClassCounts::accuracy() const {
  if (empty()) return -1;
  double correct = 0;
  for (std::int64_t c = 0; c < classes(); ++c) correct += count(true_positive, c);
  return correct / counts_[counts_.size() - 2];
}

double ClassCounts::f1_micro() const {
  if (empty()) return -1;
  double twice = 0, all = 0;
  for (std::int64_t c = 0; c < classes(); ++c) {
    twice += 2 * count(true_positive, c);
    all += 2 * count(true_positive, c) + count(false_positive, c) + count(false_negative, c);
  }
  return all > 0 ? twice / all : 0;
}

double ClassCounts::f1_macro() const {
  if (empty()) return -1;
  double sum = 0;
  std::int64_t counted = 0;
  for (std::int64_t c = 0; c < classes(); ++c) {
    const double twice = 2 * count(true_positive, c);
    const double all = twice + count(false_positive, c) + count(false_negative, c);
    if (all > 0) sum += twice / all;
    if (all > 0 || multi_label()) ++counted;
  }
  return sum / static_cast<double>(counted);
}

}  // namespace kith
