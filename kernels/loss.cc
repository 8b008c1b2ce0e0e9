#include "kith/kernels/loss.h"

#include <algorithm>
#include <vector>

#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"
#include "kith/kernels/row_parts.h"

namespace kith {
namespace {

/// loss(part, rows) added up over the parts, `rows` being those of the part, counted from its first.
template <class Loss>
double sum_over_parts(const Backend& on, ConstTensor logits, std::span<const std::int32_t> rows,
                      Tensor dlogits, Loss&& loss) {
  double sum = 0;
  over_rows(on, {reads(logits), writes(dlogits)}, [&](const RowPart& part) {
    if (part.whole()) {
      sum = loss(part, rows);
      return;
    }
    const auto first = static_cast<std::int32_t>(part.begin());
    std::vector<std::int32_t> here;
    for (const std::int32_t row : rows)
      if (row >= first && row < part.end()) here.push_back(row - first);
    sum += loss(part, std::span<const std::int32_t>(here));
  });
  return sum;
}

}  // namespace

double softmax_cross_entropy(const Backend& on, ConstTensor logits, std::span<const std::int64_t> labels,
                             std::span<const std::int32_t> rows, float scale, Tensor dlogits) {
  require(dlogits.rows == logits.rows && dlogits.cols == logits.cols,
          "softmax_cross_entropy: dlogits has the shape of logits",
          {{"rows", dlogits.rows}, {"cols", dlogits.cols}});
  require(static_cast<std::int64_t>(labels.size()) >= logits.rows,
          "softmax_cross_entropy: every row has a label", {{"labels", labels.size()}, {"rows", logits.rows}});
  const auto loss = [&](const RowPart& part, std::span<const std::int32_t> some) {
    return dispatch(
        [&](auto backend) {
          return softmax_cross_entropy(backend, part(logits), part(labels), some, scale, part(dlogits));
        },
        on);
  };
  return sum_over_parts(on, logits, rows, dlogits, loss);
}

double sigmoid_cross_entropy(const Backend& on, ConstTensor logits, ConstTensor targets,
                             std::span<const std::int32_t> rows, float scale, Tensor dlogits) {
  require(dlogits.rows == logits.rows && dlogits.cols == logits.cols,
          "sigmoid_cross_entropy: dlogits has the shape of logits",
          {{"rows", dlogits.rows}, {"cols", dlogits.cols}});
  require(targets.rows >= logits.rows && targets.cols == logits.cols,
          "sigmoid_cross_entropy: every logit has a target",
          {{"rows", targets.rows}, {"cols", targets.cols}});
  const auto loss = [&](const RowPart& part, std::span<const std::int32_t> some) {
    const ConstTensor here =
        part.whole() ? targets : targets.row_range(part.begin(), std::min(targets.rows, part.end()));
    return dispatch(
        [&](auto backend) {
          return sigmoid_cross_entropy(backend, part(logits), here, some, scale, part(dlogits));
        },
        on);
  };
  return sum_over_parts(on, logits, rows, dlogits, loss);
}

std::int64_t count_correct(const Backend& on, ConstTensor logits, std::span<const std::int64_t> labels,
                           std::span<const std::int32_t> rows) {
  return dispatch([&](auto backend) { return count_correct(backend, logits, labels, rows); }, on);
}

}  // namespace kith
