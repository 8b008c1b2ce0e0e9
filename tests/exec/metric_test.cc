#include "kith/exec/metric.h"

#include <algorithm>
#include <cmath>

#include "exec/gradient_check.h"
#include "exec/trained.h"
#include <gtest/gtest.h>

#include "kith/core/philox.h"

namespace kith::test {
namespace {

constexpr std::int64_t kNodes = 300, kClasses = 5;

std::uint32_t word(std::int64_t i, std::uint64_t purpose) {
  return draw_words(philox_key(purpose, Stream::generate), StoreId{i}, 0, 0)[0];
}

/// By every pair, as the area is defined.
double pairwise_auc(const std::vector<Scored>& examples) {
  double won = 0, pairs = 0;
  for (const Scored& p : examples) {
    for (const Scored& n : examples) {
      if (!p.positive || n.positive) continue;
      ++pairs;
      won += p.score > n.score ? 1 : p.score == n.score ? 0.5 : 0;
    }
  }
  return pairs > 0 ? won / pairs : -1;
}

TEST(Metric, RocAucIsTheShareOfOrderedPairsWithTies) {
  for (const std::uint32_t distinct : {1u, 3u, 50u, 1000000u}) {
    std::vector<Scored> examples;
    for (std::int64_t i = 0; i < kNodes; ++i)
      examples.push_back({static_cast<float>(word(i, distinct) % distinct), word(i, 99) % 3 == 0});
    EXPECT_DOUBLE_EQ(roc_auc(examples), pairwise_auc(examples)) << distinct;
  }
  EXPECT_EQ(roc_auc({{1, true}, {2, true}}), -1);
  EXPECT_EQ(roc_auc({}), -1);
}

struct Problem {
  Matrix logits = random_matrix(kNodes, kClasses, 3);
  std::vector<std::int64_t> classes;
  std::vector<float> multi;
  std::vector<std::int32_t> rows;
  Problem() {
    for (std::int32_t i = 0; i < kNodes; ++i) {
      classes.push_back(word(i, 5) % kClasses);
      if (word(i, 6) % 4 != 0) rows.push_back(i);
      for (std::int64_t c = 0; c < kClasses; ++c) {
        const auto draw = word(i * kClasses + c, 7) % 5;
        multi.push_back(draw == 0 ? std::nanf("") : static_cast<float>(draw % 2));
      }
    }
  }
};

/// The metric of everything on one rank, and of a third of the rows on each of three.
double on_ranks(int ranks, Metric metric, const Problem& p, const LabelView& labels) {
  double result = 0;
  run_thread_ranks(ranks, [&](Communicator& comm) {
    std::vector<std::int32_t> mine;
    for (std::size_t i = 0; i < p.rows.size(); ++i)
      if (static_cast<int>(i) % ranks == comm.rank().value()) mine.push_back(p.rows[i]);
    const double value = measure(metric, comm, p.logits, labels, mine);
    if (comm.rank() == Rank{0}) result = value;
  });
  return result;
}

/// F1 of one class by its definition.
double f1_of(const Problem& p, std::int64_t c, bool multi, double* sums) {
  double tp = 0, fp = 0, fn = 0;
  for (const std::int32_t i : p.rows) {
    const float* x = p.logits.view().row(i);
    bool guess = std::max_element(x, x + kClasses) - x == c, truth = p.classes[i] == c;
    if (multi) {
      const float target = p.multi[i * kClasses + c];
      if (std::isnan(target)) continue;
      guess = x[c] > 0;
      truth = target == 1;
    }
    tp += guess && truth;
    fp += guess && !truth;
    fn += !guess && truth;
  }
  sums[0] += tp;
  sums[1] += fp;
  sums[2] += fn;
  return 2 * tp / (2 * tp + fp + fn);
}

TEST(Metric, F1IsTheDefinitionOnAnyRanks) {
  const Problem p;
  for (const bool multi : {false, true}) {
    const LabelView labels = multi ? LabelView{{}, p.multi, kClasses} : LabelView{p.classes, {}, kClasses};
    double sums[3] = {0, 0, 0}, mean = 0;
    for (std::int64_t c = 0; c < kClasses; ++c) mean += f1_of(p, c, multi, sums) / kClasses;
    const double micro = 2 * sums[0] / (2 * sums[0] + sums[1] + sums[2]);
    for (const int ranks : {1, 2, 3}) {
      EXPECT_NEAR(on_ranks(ranks, Metric::f1_macro, p, labels), mean, 1e-12);
      EXPECT_NEAR(on_ranks(ranks, Metric::f1_micro, p, labels), micro, 1e-12);
    }
  }
}

TEST(Metric, MicroF1OfSingleLabelsIsAccuracy) {
  const Problem p;
  const LabelView labels{p.classes, {}, kClasses};
  EXPECT_DOUBLE_EQ(on_ranks(1, Metric::f1_micro, p, labels), on_ranks(2, Metric::accuracy, p, labels));
}

TEST(Metric, RocAucOfSeveralLabelsIsTheMeanOverClassesOnAnyRanks) {
  const Problem p;
  double mean = 0;
  for (std::int64_t c = 0; c < kClasses; ++c) {
    std::vector<Scored> examples;
    for (const std::int32_t i : p.rows)
      if (const float t = p.multi[i * kClasses + c]; !std::isnan(t))
        examples.push_back({p.logits(i, c), t == 1});
    mean += pairwise_auc(examples) / kClasses;
  }
  for (const int ranks : {1, 2, 3})
    EXPECT_NEAR(on_ranks(ranks, Metric::roc_auc, p, {{}, p.multi, kClasses}), mean, 1e-12);
}

TEST(Metric, WhatIsNotDefinedIsRefused) {
  StoreMeta meta;
  meta.classes = 5;
  EXPECT_EQ(metric_for(Metric::automatic, meta), Metric::accuracy);
  EXPECT_THROW(metric_for(Metric::roc_auc, meta), InputError);
  meta.multi_label = true;
  EXPECT_EQ(metric_for(Metric::automatic, meta), Metric::f1_micro);
  EXPECT_THROW(metric_for(Metric::accuracy, meta), InputError);
  EXPECT_THROW(metric_of("roc"), InputError);
  for (const std::string& name : metric_names())
    EXPECT_EQ(metric_of_json(json_name(metric_of(name))), metric_of(name));
}

}  // namespace
}  // namespace kith::test
