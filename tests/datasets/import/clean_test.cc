#include "kith/datasets/import/clean.h"

#include <map>

#include "datasets/import/raw_files.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/philox.h"

namespace kith {
namespace {

using ::testing::ElementsAre;

RawDataset random_raw(std::int64_t n, std::int64_t m, std::uint64_t seed) {
  const PhiloxKey key = philox_key(seed, Stream::generate);
  OwnedColumns<std::int32_t> edges{Array<std::int32_t>(m), Array<std::int32_t>(m)};
  RawDataset raw;
  raw.nodes = n;
  raw.edge_weights = Array<float>(m);
  for (std::int64_t e = 0; e < m; ++e) {
    const PhiloxWords words = draw_words(key, StoreId(e), 0, 0);
    edges.source[e] = static_cast<std::int32_t>(words[0] % n);
    edges.destination[e] = static_cast<std::int32_t>(words[1] % n);
    raw.edge_weights[e] = static_cast<float>(e + 1);
  }
  raw.edges = std::move(edges);
  return raw;
}

TEST(CleanGraph, CarriesTheFirstWeightOfEveryEdge) {
  for (const bool undirected : {false, true}) {
    for (const SelfLoops loops : {SelfLoops::keep, SelfLoops::drop, SelfLoops::add}) {
      const RawDataset raw = random_raw(30, 200, 3);
      const auto& edges = std::get<OwnedColumns<std::int32_t>>(raw.edges);
      std::map<std::pair<int, int>, float> want;
      for (int reverse = 0; reverse <= (undirected ? 1 : 0); ++reverse)
        for (std::int64_t e = 0; e < 200; ++e) {
          std::pair<int, int> edge{edges.destination[e], edges.source[e]};
          if (reverse == 1) std::swap(edge.first, edge.second);
          if (edge.first != edge.second || loops != SelfLoops::drop) want.emplace(edge, raw.edge_weights[e]);
        }
      for (int i = 0; loops == SelfLoops::add && i < 30; ++i) want.emplace(std::pair{i, i}, 1.0F);
      const CleanGraph clean = clean_graph(raw, {.undirected = undirected, .self_loops = loops});
      const auto csr = std::get<Csr32>(clean.csr).view();
      std::map<std::pair<int, int>, float> found;
      for (std::int64_t i = 0; i < csr.n(); ++i)
        for (std::int64_t e = csr.indptr[i]; e < csr.indptr[i + 1]; ++e)
          found[{static_cast<int>(i), csr.indices[e]}] = clean.edge_weights[e];
      EXPECT_EQ(found, want);
    }
  }
}

TEST(LargestComponent, RestrictsEveryArrayAndKeepsTheUsersIds) {
  // 1 – 3 – 4 and 0 – 2; node 5 alone.
  RawDataset raw;
  raw.nodes = 6;
  raw.edges = OwnedColumns<std::int32_t>{{1, 3, 0}, {3, 4, 2}};
  raw.edge_weights = {0.5F, 0.25F, 8};
  raw.classes = {0, 1, 2, 3, 4, 5};
  raw.class_count = 6;
  const std::vector<float> rows = {0, 1, 2, 3, 4, 5};
  raw.features.rows = 6;
  raw.features.cols = 1;
  raw.features.bytes = copy_of(std::as_bytes(std::span(rows)));
  raw.split.train = {4, 0};
  raw.split.test = {5, 1};
  const CleanGraph whole = clean_graph(raw, {.undirected = true});
  const CleanGraph part = restrict_to_largest_component(whole, raw);
  const Csr32& csr = std::get<Csr32>(part.csr);
  EXPECT_THAT(csr.indptr, ElementsAre(0, 1, 3, 4));
  EXPECT_THAT(csr.indices, ElementsAre(1, 0, 2, 1));
  EXPECT_THAT(part.edge_weights, ElementsAre(0.5F, 0.5F, 0.25F, 0.25F));
  EXPECT_THAT(raw.node_ids, ElementsAre(1, 3, 4));
  EXPECT_THAT(raw.classes, ElementsAre(1, 3, 4));
  EXPECT_THAT(raw.split.train, ElementsAre(2));
  EXPECT_THAT(raw.split.test, ElementsAre(0));
  EXPECT_EQ(reinterpret_cast<const float*>(raw.features.data())[2], 4.0F);
  EXPECT_EQ(raw.nodes, 3);
}

TEST(NormaliseRows, MakesRowsSumToOneAndLeavesZeros) {
  RawFeatures features;
  const std::vector<float> rows = {1, 3, 0, 0, 0.125F, 0.125F};
  features.rows = 3;
  features.cols = 2;
  features.bytes = copy_of(std::as_bytes(std::span(rows)));
  normalise_rows(features);
  const auto* values = reinterpret_cast<const float*>(features.data());
  EXPECT_THAT(std::vector<float>(values, values + 6), ElementsAre(0.25F, 0.75F, 0, 0, 0.5F, 0.5F));
}

}  // namespace
}  // namespace kith
