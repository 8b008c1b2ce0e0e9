#include "kith/kernels/loss.h"

#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"

namespace kith {

double softmax_cross_entropy(const Backend& on, ConstTensor logits, std::span<const std::int64_t> labels,
                             std::span<const std::int32_t> rows, float scale, Tensor dlogits) {
  require(dlogits.rows == logits.rows && dlogits.cols == logits.cols,
          "softmax_cross_entropy: dlogits has the shape of logits",
          {{"rows", dlogits.rows}, {"cols", dlogits.cols}});
  require(static_cast<std::int64_t>(labels.size()) >= logits.rows,
          "softmax_cross_entropy: every row has a label", {{"labels", labels.size()}, {"rows", logits.rows}});
  return dispatch(
      [&](auto backend) { return softmax_cross_entropy(backend, logits, labels, rows, scale, dlogits); }, on);
}

double sigmoid_cross_entropy(const Backend& on, ConstTensor logits, ConstTensor targets,
                             std::span<const std::int32_t> rows, float scale, Tensor dlogits) {
  require(dlogits.rows == logits.rows && dlogits.cols == logits.cols,
          "sigmoid_cross_entropy: dlogits has the shape of logits",
          {{"rows", dlogits.rows}, {"cols", dlogits.cols}});
  require(targets.rows >= logits.rows && targets.cols == logits.cols,
          "sigmoid_cross_entropy: every logit has a target",
          {{"rows", targets.rows}, {"cols", targets.cols}});
  return dispatch(
      [&](auto backend) { return sigmoid_cross_entropy(backend, logits, targets, rows, scale, dlogits); },
      on);
}

std::int64_t count_correct(const Backend& on, ConstTensor logits, std::span<const std::int64_t> labels,
                           std::span<const std::int32_t> rows) {
  return dispatch([&](auto backend) { return count_correct(backend, logits, labels, rows); }, on);
}

}  // namespace kith
