// Ranks without a halo: one whose rows others need, and one that nobody hears.
#include "exec/presets.h"
#include "exec/trained.h"
#include <gtest/gtest.h>

#include "kith/core/philox.h"
#include "kith/core/tensor.h"

namespace kith::test {
namespace {

constexpr std::int64_t kNodes = 90, kThird = kNodes / 3, kColumns = 6;

/// A folder with a store whose first third hears only itself, whose second hears the first and itself, and
/// whose last is a graph of its own.
const std::filesystem::path& one_way_graph() {
  static const TemporaryFolder folder;
  if (std::filesystem::exists(folder.path() / "store")) return folder.path();
  std::vector<std::int64_t> indptr{0}, splits[3];
  std::vector<std::int32_t> indices;
  std::vector<std::int64_t> labels;
  const PhiloxKey key = philox_key(3, Stream::generate);
  for (std::int64_t v = 0; v < kNodes; ++v) {
    const std::int64_t third = v / kThird, first = third == 1 ? 0 : third * kThird;
    std::set<std::int32_t> row;
    for (std::uint32_t e = 0; e < static_cast<std::uint32_t>(v % 5); ++e) {
      const std::uint64_t bound = static_cast<std::uint64_t>((third + 1) * kThird - first);
      row.insert(static_cast<std::int32_t>(
          first + static_cast<std::int64_t>(bounded(word64(draw_words(key, StoreId{v}, 0, e), 0), bound))));
    }
    indices.insert(indices.end(), row.begin(), row.end());
    indptr.push_back(std::ssize(indices));
    labels.push_back(v % 4);
    splits[v % 3].push_back(v);
  }
  std::vector<float> features;
  for (std::int64_t i = 0; i < kNodes * kColumns; ++i)
    features.push_back(unit_float(draw_words(key, StoreId{i}, 1, 0)[0]) - 0.5f);
  StoreArrays arrays;
  arrays.graph = {indptr, std::span<const std::int32_t>(indices)};
  arrays.features = {reinterpret_cast<const std::byte*>(features.data()), DType::f32, kNodes, kColumns, {}};
  arrays.labels = {.classes = labels, .count = 4};
  arrays.train = splits[0];
  arrays.valid = splits[1];
  arrays.test = splits[2];
  write_store(folder.path() / "store", arrays, {.name = "one way"});
  return folder.path();
}

TEST(EmptyHalo, EveryPlanIsTheTrainingOfOneRank) {
  for (const std::string model : {"gcn", "sage", "sage-max", "gin", "gat", "gatv2"}) {
    for (const double input_dropout : {-1.0, 0.0}) {
      Training training = full_graph_training(model);
      training.model.input_dropout = input_dropout;
      const Trained one = trained_on_threads(1, cut(one_way_graph(), "range", 1), training);
      for (const std::string& plan : halo_choices("plan")) {
        training.options.protocol.plan = plan;
        const Trained some = trained_on_threads(3, cut(one_way_graph(), "range", 3), training);
        EXPECT_LT(largest_relative_difference(some.losses, one.losses), 1e-4) << model << ", " << plan;
        EXPECT_LT(relative_distance(some.first_gradient, one.first_gradient), 1e-5) << model << ", " << plan;
        for (const int split : {0, 1, 2})
          EXPECT_NEAR(some.evaluation.loss[split], one.evaluation.loss[split],
                      1e-3 * one.evaluation.loss[split])
              << model << ", " << plan;
      }
    }
  }
}

TEST(EmptyHalo, WhatKeepsRowsTrains) {
  for (const std::string model : {"gcn", "gat"}) {
    Training training = full_graph_training(model);
    const double exact = trained_on_threads(1, cut(one_way_graph(), "range", 1), training).losses.back();
    for (const HaloProtocol& protocol :
         {HaloProtocol{.schedule = "stale"}, HaloProtocol{.select = "bins:2"},
          HaloProtocol{.select = "moved:0.01"}, HaloProtocol{.encode = "delta:8"}}) {
      training.options.protocol = protocol;
      const Trained some = trained_on_threads(3, cut(one_way_graph(), "range", 3), training);
      EXPECT_NEAR(some.losses.back(), exact, 0.05 * exact)
          << model << ", " << protocol.select << ", " << protocol.schedule << ", " << protocol.encode;
    }
  }
}

}  // namespace
}  // namespace kith::test
