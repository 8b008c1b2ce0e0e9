#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kith/comm/communicator.h"
#include "kith/core/tensor.h"
#include "kith/datasets/store.h"

namespace kith {

/// What an evaluation is judged by; larger is better, 1 is perfect.
enum class Metric { automatic, accuracy, roc_auc, f1_micro, f1_macro };

/// As settings write it ("roc-auc"), and as JSON does ("roc_auc").
std::vector<std::string> metric_names();
Metric metric_of(std::string_view name);
std::string json_name(Metric metric);
Metric metric_of_json(std::string name);

/// The metric that `wanted` means for these labels: automatic is accuracy, or micro-F1 for multi-label.
/// Throws InputError where a metric is not defined: accuracy of multi-label targets, ROC AUC of more than two
/// classes.
Metric metric_for(Metric wanted, const StoreMeta& meta);

/// The metric of `rows` over all ranks, in [0, 1]; −1 where it is not defined (no labelled row; ROC AUC
/// without both a positive and a negative one). Logits and labels have a row per owned node. Collective; the
/// same on every rank.
///   accuracy   the share of rows whose largest logit is their class
///   roc-auc    the probability that a positive scores above a negative, ties half: two classes by the
///   difference of
///              their logits; multi-label: the mean over the classes where it is defined
///   f1-micro   2 TP / (2 TP + FP + FN) with counts summed over classes; multi-label: a logit above 0
///   predicts f1-macro   the mean of the classes' own F1; for single labels over classes that occur or are
///   predicted, for
///              multi-label over all (0 where nothing is)
double measure(Metric metric, Communicator& comm, ConstTensor logits, const LabelView& labels,
               std::span<const std::int32_t> rows);

/// One scored example of a binary problem.
struct Scored {
  float score;
  bool positive;
};
/// The exact area under the ROC curve (Mann-Whitney U, ties half); −1 without both kinds. O(n log n).
double roc_auc(std::vector<Scored> examples);

}  // namespace kith
