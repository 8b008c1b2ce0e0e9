#pragma once
#include <span>
#include <vector>

#include "kith/comm/communicator.h"
#include "kith/core/tensor.h"
#include "kith/datasets/store.h"

namespace kith {

/// True and false positives and false negatives of every class, and what follows from them.
class ClassCounts {
 public:
  explicit ClassCounts(std::int64_t classes) : counts_(static_cast<std::size_t>(3 * classes + 2), 0.0) {}
  /// Adds the predictions of `rows`: the largest logit (ties: the smaller class), or every logit above 0.
  void add(ConstTensor logits, const LabelView& labels, std::span<const std::int32_t> rows);
  void sum_over_ranks(Communicator& comm) {
    all_reduce_sum(comm, std::span<double>(counts_), "class counts");
  }

  /// Each −1 without a labelled example.
  double accuracy() const;
  double f1_micro() const;
  double f1_macro() const;

 private:
  enum Kind { true_positive, false_positive, false_negative };
  double& count(Kind kind, std::int64_t c) { return counts_[static_cast<std::size_t>(3 * c + kind)]; }
  double count(Kind kind, std::int64_t c) const { return counts_[static_cast<std::size_t>(3 * c + kind)]; }
  std::int64_t classes() const { return static_cast<std::int64_t>(counts_.size() - 2) / 3; }
  double& labelled() { return counts_[counts_.size() - 2]; }
  bool empty() const { return counts_[counts_.size() - 2] == 0; }
  bool multi_label() const { return counts_.back() > 0; }

  std::vector<double>
      counts_;  ///< [classes, 3], then the labelled examples and how many of them are multi-label
};

}  // namespace kith
