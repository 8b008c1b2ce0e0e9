#pragma once
#include "kith/datasets/store.h"
#include "kith/kernels/loss.h"
#include "kith/sampler/owned_data.h"

namespace kith {

/// The owned nodes' labels, of either kind.
inline LabelView labels_of(const OwnedData& owned) {
  return {owned.labels.span(), owned.multi_labels.span(), owned.classes};
}

/// scale · the loss of `rows`: softmax cross-entropy, or for multi-label the mean over classes of binary
/// cross-entropy, where a missing target counts 0. Writes its gradient to dlogits, 0 in other rows.
inline double logit_loss(const Backend& on, ConstTensor logits, const LabelView& labels,
                         std::span<const std::int32_t> rows, float scale, Tensor dlogits) {
  if (!labels.multi_label()) return softmax_cross_entropy(on, logits, labels.classes, rows, scale, dlogits);
  const ConstTensor targets(labels.multi.data(), logits.rows, labels.count);
  return sigmoid_cross_entropy(on, logits, targets, rows, scale / static_cast<float>(labels.count), dlogits);
}

}  // namespace kith
