#include "kith/exec/metric.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kith/core/error.h"
#include "kith/exec/metric_counts.h"

namespace kith {
namespace {

struct Named {
  Metric metric;
  const char* name;
};
constexpr Named kNames[] = {{Metric::automatic, "auto"},
                            {Metric::accuracy, "accuracy"},
                            {Metric::roc_auc, "roc-auc"},
                            {Metric::f1_micro, "f1-micro"},
                            {Metric::f1_macro, "f1-macro"}};

/// The examples of class c among the rows of this rank.
std::vector<Scored> scored(ConstTensor logits, const LabelView& labels, std::span<const std::int32_t> rows,
                           std::int64_t c) {
  std::vector<Scored> examples;
  examples.reserve(rows.size());
  for (const std::int32_t row : rows) {
    if (!labels.multi_label()) {
      examples.push_back({logits(row, 1) - logits(row, 0), labels.classes[row] == 1});
    } else if (const float target = labels.multi[row * labels.count + c]; !std::isnan(target)) {
      examples.push_back({logits(row, c), target > 0.5f});
    }
  }
  return examples;
}

// The examples of all ranks meet on rank 0: five bytes for a labelled node, one class at a time.
double roc_auc_over_ranks(Communicator& comm, const std::vector<Scored>& mine) {
  std::string bytes(mine.size() * (sizeof(float) + 1), '\0');
  for (std::size_t i = 0; i < mine.size(); ++i) {
    std::memcpy(&bytes[i * 5], &mine[i].score, sizeof(float));
    bytes[i * 5 + 4] = mine[i].positive ? 1 : 0;
  }
  double area[1] = {-1};
  const auto all = gather(comm, bytes, Rank{0}, "gather scores");
  if (comm.rank() == Rank{0}) {
    std::vector<Scored> examples;
    for (const std::string& part : all) {
      for (std::size_t i = 0; i < part.size(); i += 5) {
        examples.push_back({0, part[i + 4] != 0});
        std::memcpy(&examples.back().score, &part[i], sizeof(float));
      }
    }
    area[0] = roc_auc(std::move(examples));
  }
  broadcast_values(comm, std::span<double>(area), Rank{0}, "tell the ROC AUC");
  return area[0];
}

double mean_roc_auc(Communicator& comm, ConstTensor logits, const LabelView& labels,
                    std::span<const std::int32_t> rows) {
  // A rank without nodes cannot tell single labels from several by their arrays; the logits' width does.
  const std::int64_t problems =
      all_reduce_max(comm, labels.multi_label() ? labels.count : std::int64_t{1}, "agree on the classes");
  double sum = 0;
  std::int64_t defined = 0;
  for (std::int64_t c = 0; c < problems; ++c) {
    const double area = roc_auc_over_ranks(comm, scored(logits, labels, rows, c));
    if (area < 0) continue;
    sum += area;
    ++defined;
  }
  return defined > 0 ? sum / static_cast<double>(defined) : -1;
}

}  // namespace

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const Named& named : kNames) names.emplace_back(named.name);
  return names;
}

Metric metric_of(std::string_view name) {
  for (const Named& named : kNames)
    if (name == named.name) return named.metric;
  throw InputError("metric: unknown name \"" + std::string(name) + '"');
}

std::string json_name(Metric metric) {
  for (const Named& named : kNames) {
    if (named.metric != metric) continue;
    std::string name = named.name;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
  }
  return "auto";
}

Metric metric_of_json(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return metric_of(name);
}

Metric metric_for(Metric wanted, const StoreMeta& meta) {
  if (wanted == Metric::automatic) return meta.multi_label ? Metric::f1_micro : Metric::accuracy;
  if (wanted == Metric::accuracy && meta.multi_label)
    throw InputError(
        "metric accuracy: the graph has several labels a node; use f1-micro, f1-macro or roc-auc");
  if (wanted == Metric::roc_auc && !meta.multi_label && meta.classes != 2)
    throw InputError("metric roc-auc: needs two classes or several labels a node; the graph has " +
                     std::to_string(meta.classes) + " classes: use accuracy or f1-macro");
  return wanted;
}

double roc_auc(std::vector<Scored> examples) {
  std::sort(examples.begin(), examples.end(),
            [](const Scored& a, const Scored& b) { return a.score < b.score; });
  // Counts below 2^53 and their halves are exact.
  double positives = 0, negatives = 0, ordered_pairs = 0;
  for (std::size_t begin = 0, end; begin < examples.size(); begin = end) {
    double tied[2] = {0, 0};
    for (end = begin; end < examples.size() && !(examples[begin].score < examples[end].score); ++end)
      ++tied[examples[end].positive];
    ordered_pairs += tied[1] * (negatives + tied[0] / 2);
    negatives += tied[0];
    positives += tied[1];
  }
  return positives > 0 && negatives > 0 ? ordered_pairs / (positives * negatives) : -1;
}

double measure(Metric metric, Communicator& comm, ConstTensor logits, const LabelView& labels,
               std::span<const std::int32_t> rows) {
  require(metric != Metric::automatic, "measure: the metric was resolved by metric_for");
  if (metric == Metric::roc_auc) return mean_roc_auc(comm, logits, labels, rows);
  ClassCounts counts(logits.cols);
  counts.add(logits, labels, rows);
  counts.sum_over_ranks(comm);
  if (metric == Metric::f1_macro) return counts.f1_macro();
  return metric == Metric::f1_micro ? counts.f1_micro() : counts.accuracy();
}

}  // namespace kith
