// The counts of the published data sets, read from their own files.
#include <algorithm>
#include <numeric>

#include "datasets/import/raw_files.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/datasets/import/clean.h"
#include "kith/graph/properties.h"

namespace kith {
namespace {

using test::real_data;

struct Expected {
  std::string path;
  std::string name;
  std::string format;
  std::int64_t nodes, raw_edges, undirected_edges, self_loops, features, classes;
};
std::ostream& operator<<(std::ostream& out, const Expected& expected) {
  return out << expected.path << expected.name;
}

class RealData : public ::testing::TestWithParam<Expected> {};

TEST_P(RealData, HasThePublishedCounts) {
  if (real_data() == nullptr) GTEST_SKIP() << "KITH_DATA_DIR names no folder of real graphs";
  const Expected& want = GetParam();
  const RawDataset raw = test::imported(test::fs::path(real_data()) / want.path, {.name = want.name});
  EXPECT_EQ(raw.format, want.format);
  EXPECT_EQ(raw.nodes, want.nodes);
  EXPECT_EQ(edge_count(raw.edges), want.raw_edges);
  EXPECT_EQ(raw.features.cols, want.features);
  EXPECT_EQ(raw.class_count, want.classes);
  const CleanGraph graph = clean_graph(raw, {.undirected = true, .self_loops = SelfLoops::keep});
  const GraphProperties found = properties_of(graph.any());
  EXPECT_EQ(found.undirected_edges, want.undirected_edges);
  EXPECT_EQ(found.self_loops, want.self_loops);
  EXPECT_TRUE(found.symmetric);
}

// Self-loops of Planetoid: 124 distinct ones, most listed twice.
INSTANTIATE_TEST_SUITE_P(
    All, RealData,
    ::testing::Values(
        Expected{"planetoid", "cora", "planetoid", 2708, 10858, 5278, 0, 1433, 7},
        Expected{"planetoid/ind.citeseer", "", "planetoid", 3327, 9464, 4552, 124, 3703, 6},
        Expected{"gnn-benchmark/cora.npz", "", "gnn-benchmark", 2708, 5429, 5278, 0, 1433, 7},
        Expected{"gnn-benchmark/amazon_electronics_photo.npz", "", "gnn-benchmark", 7650, 143663, 119081, 1,
                 745, 8},
        Expected{"gnn-benchmark/ms_academic_cs.npz", "", "gnn-benchmark", 18333, 163788, 81894, 0, 6805, 15},
        Expected{"heterophilous/minesweeper.npz", "", "heterophilous", 10000, 39402, 39402, 0, 7, 2},
        Expected{"minesweeper-ogb", "", "ogb", 10000, 39402, 39402, 0, 7, 2},
        Expected{"acl-coauthor", "", "ogb", 108245, 4891853, 4891853, 0, 128, 24},
        Expected{"cnr-2000/cnr-2000-csr.npz", "", "npz", 325557, 3216152, 2738969, 87442, 0, 0}));

std::vector<float> row_of(const RawFeatures& features, std::int64_t row) {
  const auto* values = reinterpret_cast<const float*>(features.data());
  return {values + row * features.cols, values + (row + 1) * features.cols};
}

TEST(Planetoid, TheTwoFilesOfCoraTellTheSameGraph) {
  if (real_data() == nullptr) GTEST_SKIP() << "KITH_DATA_DIR names no folder of real graphs";
  const test::fs::path data = real_data();
  // The orders of nodes differ, so what does not depend on it is compared.
  auto facts = [](const RawDataset& raw) {
    const CleanGraph graph = clean_graph(raw, {.undirected = true, .self_loops = SelfLoops::drop});
    Array<std::int64_t> degrees = in_degrees(graph.any(), CountSelf::yes);
    std::vector<std::pair<std::int64_t, float>> all;
    for (std::int64_t i = 0; i < raw.nodes; ++i) {
      const auto row = row_of(raw.features, i);
      all.emplace_back(degrees[i], std::accumulate(row.begin(), row.end(), 0.0F));
    }
    std::sort(all.begin(), all.end());
    return all;
  };
  EXPECT_EQ(facts(test::imported(data / "planetoid", {.name = "cora"})),
            facts(test::imported(data / "gnn-benchmark/cora.npz")));
}

TEST(Planetoid, ThePublicSplitIsTheFirstRowsTheNext500AndTestIndex) {
  if (real_data() == nullptr) GTEST_SKIP() << "KITH_DATA_DIR names no folder of real graphs";
  for (const auto& [name, train] : {std::pair{"cora", 140}, {"citeseer", 120}}) {
    const RawDataset raw = test::imported(test::fs::path(real_data()) / "planetoid", {.name = name});
    EXPECT_EQ(raw.split.train.ssize(), train);
    EXPECT_EQ(raw.split.valid[0], train);
    EXPECT_EQ(raw.split.valid.ssize(), 500);
    EXPECT_EQ(raw.split.test.ssize(), 1000);
    std::vector<std::int64_t> per_class(static_cast<std::size_t>(raw.class_count), 0);
    for (const std::int64_t node : raw.split.train) ++per_class[raw.classes[node]];
    EXPECT_THAT(per_class, ::testing::Each(20));
  }
}

TEST(Planetoid, TheIdsThatCiteSeerLacksAreEmptyNodesInNoSplit) {
  if (real_data() == nullptr) GTEST_SKIP() << "KITH_DATA_DIR names no folder of real graphs";
  const RawDataset raw = test::imported(test::fs::path(real_data()) / "planetoid", {.name = "citeseer"});
  std::vector<std::int64_t> missing;
  for (std::int64_t i = 0; i < raw.nodes; ++i)
    if (raw.classes[i] < 0) missing.push_back(i);
  EXPECT_EQ(missing.size(), 15u);
  for (const std::int64_t node : missing) {
    EXPECT_GE(node, 2312);
    EXPECT_EQ(std::count(raw.split.test.begin(), raw.split.test.end(), node), 0);
    EXPECT_THAT(row_of(raw.features, node), ::testing::Each(0.0F));
  }
}

TEST(Heterophilous, TheTenMasksDiffer) {
  if (real_data() == nullptr) GTEST_SKIP() << "KITH_DATA_DIR names no folder of real graphs";
  const test::fs::path file = test::fs::path(real_data()) / "heterophilous/minesweeper.npz";
  const RawDataset first = test::imported(file),
                   fourth = test::imported(file, {.split = parse_split("mask:3")});
  EXPECT_EQ(first.split.train.ssize(), 5000);
  EXPECT_EQ(fourth.split.train.ssize(), 5000);
  EXPECT_FALSE(std::equal(first.split.train.begin(), first.split.train.end(), fourth.split.train.begin()));
  EXPECT_THAT(test::refusal([&] { test::imported(file, {.split = parse_split("mask:10")}); }),
              ::testing::HasSubstr("mask 10 is outside [0, 10)"));
}

TEST(Ogb, TheTextAndTheNpzOfMinesweeperAreEqual) {
  if (real_data() == nullptr) GTEST_SKIP() << "KITH_DATA_DIR names no folder of real graphs";
  const test::fs::path data = real_data();
  const RawDataset npz = test::imported(data / "heterophilous/minesweeper.npz"),
                   text = test::imported(data / "minesweeper-ogb");
  EXPECT_TRUE(std::ranges::equal(npz.features.bytes, text.features.bytes));
  EXPECT_TRUE(std::ranges::equal(npz.classes, text.classes));
  EXPECT_TRUE(std::ranges::equal(npz.split.train, text.split.train));
  EXPECT_TRUE(std::ranges::equal(npz.split.test, text.split.test));
  const CleanGraph a = clean_graph(npz, {.undirected = true}), b = clean_graph(text, {.undirected = true});
  EXPECT_TRUE(std::ranges::equal(std::get<Csr32>(a.csr).indices, std::get<Csr32>(b.csr).indices));
}

TEST(Ogb, AclHasIsolatedAndUnlabelledNodesAndHalfFeatures) {
  if (real_data() == nullptr) GTEST_SKIP() << "KITH_DATA_DIR names no folder of real graphs";
  const RawDataset raw = test::imported(test::fs::path(real_data()) / "acl-coauthor");
  EXPECT_EQ(raw.features.dtype, DType::f16);
  EXPECT_EQ(std::count(raw.classes.begin(), raw.classes.end(), -1), 108245 - 23237 - 11618 - 11619);
  const CleanGraph graph = clean_graph(raw, {.undirected = true});
  const GraphProperties found = properties_of(graph.any());
  EXPECT_EQ(found.isolated, 4785);
  EXPECT_EQ(found.max_degree, 2048);
  EXPECT_EQ(largest_component(graph.any()).ssize(), 99680);
}

TEST(Prepare, PhotosLargestComponentHas7487NodesAndThePerClassSplit) {
  if (real_data() == nullptr) GTEST_SKIP() << "KITH_DATA_DIR names no folder of real graphs";
  const test::TemporaryFolder folder;
  PrepareOptions options;
  options.largest_component = true;
  options.split = "per-class:20/30:1";
  const PrepareReport report =
      prepare(test::fs::path(real_data()) / "gnn-benchmark/amazon_electronics_photo.npz",
              folder.path() / "photo", options);
  EXPECT_EQ(report.meta.nodes, 7487);
  EXPECT_EQ(report.meta.self_loops, 0);
  EXPECT_EQ(report.split[0], 160);
  EXPECT_EQ(report.split[1], 240);
  EXPECT_EQ(report.split[2], 7487 - 400);
  const Store store = Store::open(folder.path() / "photo");
  EXPECT_EQ(store.meta().edges, 2 * 119043);
  EXPECT_TRUE(store.has_user_ids());
}

}  // namespace
}  // namespace kith
