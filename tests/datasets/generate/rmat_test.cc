#include "kith/datasets/generate/rmat.h"

#include <algorithm>
#include <cmath>

#include "datasets/import/raw_files.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/parallel.h"
#include "kith/datasets/import/clean.h"
#include "kith/graph/properties.h"

namespace kith {
namespace {

RmatOptions options_of(std::int64_t nodes, double degree) {
  RmatOptions options;
  options.nodes = nodes;
  options.degree = degree;
  options.classes = std::min<std::int64_t>(nodes, 8);
  options.features = 9;
  options.label_noise = 0;
  options.split = parse_split("random:0.5/0.2/0.3:1");
  options.seed = 3;
  return options;
}

const OwnedColumns<std::int32_t>& edges_of(const RawDataset& raw) {
  return std::get<OwnedColumns<std::int32_t>>(raw.edges);
}

CleanGraph cleaned(const RawDataset& raw) {
  return clean_graph(raw, {.undirected = true, .self_loops = SelfLoops::drop});
}

TEST(Rmat, IsTheSameForAnyNumberOfThreads) {
  auto made = [](int threads) {
    const ThreadLimit limit(threads);
    RawDataset raw = rmat(options_of(20'000, 6));
    materialise(raw.features);
    return raw;
  };
  const RawDataset one = made(1), three = made(3);
  EXPECT_TRUE(std::ranges::equal(edges_of(one).source, edges_of(three).source));
  EXPECT_TRUE(std::ranges::equal(edges_of(one).destination, edges_of(three).destination));
  EXPECT_TRUE(std::ranges::equal(one.features.bytes, three.features.bytes));
  EXPECT_TRUE(std::ranges::equal(one.classes, three.classes));
}

TEST(Rmat, DrawsTheEdgesAskedAndNoSelfLoop) {
  for (const auto& [nodes, degree] : {std::pair{1 << 12, 10.0}, {5000, 3.5}, {3, 4.0}, {2, 1.0}}) {
    const RawDataset raw = rmat(options_of(nodes, degree));
    EXPECT_NO_THROW(validate(raw));
    EXPECT_EQ(edge_count(raw.edges), std::llround(nodes * degree / 2));
    for (std::int64_t e = 0; e < edge_count(raw.edges); ++e)
      ASSERT_NE(edges_of(raw).source[e], edges_of(raw).destination[e]);
  }
  EXPECT_EQ(edge_count(rmat(options_of(1, 4)).edges), 0);
}

TEST(Rmat, DegreesAreSkewedAsEvenQuadrantsAreNot) {
  auto shape = [](RmatOptions options) {
    const Array<std::int64_t> degrees = in_degrees(cleaned(rmat(options)).any(), CountSelf::no);
    std::vector<std::int64_t> sorted(degrees.begin(), degrees.end());
    std::sort(sorted.rbegin(), sorted.rend());
    std::int64_t all = 0, top = 0;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      all += sorted[i];
      if (i < sorted.size() / 100) top += sorted[i];
    }
    return std::pair(static_cast<double>(top) / static_cast<double>(all), sorted.front());
  };
  RmatOptions options = options_of(1 << 14, 16);
  const auto [share, largest] = shape(options);
  EXPECT_GT(share, 0.12) << "of the edge ends at the first hundredth of the nodes";
  EXPECT_GT(largest, 300);
  options.a = options.b = options.c = 0.25;
  options.noise = 0;
  const auto [even_share, even_largest] = shape(options);
  EXPECT_LT(even_share, 0.025);
  EXPECT_LT(even_largest, 45);
}

TEST(Rmat, QuadrantsHoldTheirShareOfTheEdges) {
  // Without noise, both ends lie in the same half of the latent numbers with probability a + d, which two
  // classes show.
  RmatOptions options = options_of(1 << 13, 20);
  options.classes = 2;
  options.noise = 0;
  options.a = 0.45;
  options.b = 0.2;
  options.c = 0.1;
  const RawDataset raw = rmat(options);
  std::int64_t counts[2][2] = {};
  for (std::int64_t e = 0; e < edge_count(raw.edges); ++e)
    ++counts[raw.classes[edges_of(raw).source[e]]][raw.classes[edges_of(raw).destination[e]]];
  const auto m = static_cast<double>(edge_count(raw.edges));
  EXPECT_NEAR(static_cast<double>(counts[0][0]) / m, 0.45, 0.01);
  EXPECT_NEAR(static_cast<double>(counts[0][1]) / m, 0.2, 0.01);
  EXPECT_NEAR(static_cast<double>(counts[1][0]) / m, 0.1, 0.01);
}

TEST(Rmat, ClassesAreOfEqualSize) {
  const RawDataset raw = rmat(options_of(1 << 13, 16));
  for (std::int64_t c = 0; c < 8; ++c)
    EXPECT_EQ(std::count(raw.classes.begin(), raw.classes.end(), c), 1 << 10);
}

TEST(Rmat, AnotherSeedIsAnotherGraphAndNoFeaturesAreNone) {
  RmatOptions options = options_of(500, 8);
  options.features = 0;
  const RawDataset a = rmat(options);
  EXPECT_EQ(a.features.cols, 0);
  EXPECT_NO_THROW(validate(a));
  options.seed = 4;
  EXPECT_FALSE(std::ranges::equal(edges_of(a).source, edges_of(rmat(options)).source));
}

TEST(Rmat, OptionsOutsideTheirRangeAreRefused) {
  auto said = [](auto change) {
    RmatOptions options = options_of(100, 3);
    change(options);
    return test::refusal([&] { rmat(options); });
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(said([](auto& o) { o.nodes = 0; }), HasSubstr("--nodes 0 is outside"));
  EXPECT_THAT(said([](auto& o) { o.classes = 101; }), HasSubstr("--classes 101"));
  EXPECT_THAT(said([](auto& o) { o.a = 0.9; }), HasSubstr("--d"));
  EXPECT_THAT(said([](auto& o) { o.split = parse_split("public"); }), HasSubstr("brings no split"));
}

}  // namespace
}  // namespace kith
