#include "kith/datasets/generate/planted.h"

#include <cmath>
#include <map>
#include <numeric>

#include "datasets/import/raw_files.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/parallel.h"
#include "kith/core/tensor.h"
#include "kith/datasets/generate/gaussian.h"
#include "kith/datasets/generate/power_law.h"
#include "kith/datasets/generate/shuffle.h"
#include "kith/datasets/import/clean.h"
#include "kith/graph/properties.h"

namespace kith {
namespace {

PlantedOptions options_of(std::int64_t nodes, double degree, std::int64_t communities) {
  PlantedOptions options;
  options.nodes = nodes;
  options.degree = degree;
  options.communities = communities;
  options.classes = communities;
  options.features = 33;
  options.label_noise = 0;
  options.split = parse_split("random:0.1/0.1/0.8:1");
  options.seed = 11;
  return options;
}

CleanGraph cleaned(const RawDataset& raw) {
  return clean_graph(raw, {.undirected = true, .self_loops = SelfLoops::drop});
}

TEST(Planted, IsTheSameForAnyNumberOfThreads) {
  auto made = [](int threads) {
    const ThreadLimit limit(threads);
    RawDataset raw = planted(options_of(5000, 12, 7));
    materialise(raw.features);
    return raw;
  };
  const RawDataset one = made(1), three = made(3);
  const auto& a = std::get<OwnedColumns<std::int32_t>>(one.edges);
  const auto& b = std::get<OwnedColumns<std::int32_t>>(three.edges);
  EXPECT_TRUE(std::ranges::equal(a.source, b.source));
  EXPECT_TRUE(std::ranges::equal(a.destination, b.destination));
  EXPECT_TRUE(std::ranges::equal(one.features.bytes, three.features.bytes));
  EXPECT_TRUE(std::ranges::equal(one.classes, three.classes));
  EXPECT_TRUE(std::ranges::equal(one.split.train, three.split.train));
}

TEST(Planted, AnotherSeedIsAnotherGraph) {
  PlantedOptions options = options_of(500, 8, 4);
  const RawDataset a = planted(options);
  options.seed = 12;
  const RawDataset b = planted(options);
  EXPECT_FALSE(std::ranges::equal(std::get<OwnedColumns<std::int32_t>>(a.edges).destination,
                                  std::get<OwnedColumns<std::int32_t>>(b.edges).destination));
  EXPECT_FALSE(std::ranges::equal(a.classes, b.classes));
}

TEST(Planted, HasTheDegreeAsked) {
  for (const double degree : {4.0, 15.0, 40.0}) {
    const RawDataset raw = planted(options_of(20'000, degree, 10));
    const GraphProperties found = properties_of(cleaned(raw).any());
    EXPECT_TRUE(found.symmetric);
    EXPECT_EQ(found.self_loops, 0);
    EXPECT_NEAR(static_cast<double>(found.edges) / 20'000, degree, 0.06 * degree);
  }
}

TEST(Planted, DegreesFallLikeAPowerOfExponentTwoAndAHalf) {
  const RawDataset raw = planted(options_of(50'000, 20, 10));
  const Array<std::int64_t> degrees = in_degrees(cleaned(raw).any(), CountSelf::no);
  auto above = [&](std::int64_t bound) {
    return static_cast<double>(
        std::count_if(degrees.begin(), degrees.end(), [&](auto d) { return d > bound; }));
  };
  // P(degree > d) ∝ d^−1.5 in the tail, before the bound cuts it.
  const double exponent = std::log(above(25) / above(75)) / std::log(3.0);
  EXPECT_GT(exponent, 1.3);
  EXPECT_LT(exponent, 1.9);
  const std::int64_t largest = *std::max_element(degrees.begin(), degrees.end());
  EXPECT_GT(largest, 150);  // 1.2 √n = 268, less what merged
  EXPECT_LT(largest, 330);
}

TEST(Planted, TheMixingIsTheFractionOfEdgesThatLeave) {
  for (const double mixing : {0.0, 0.1, 0.5, 1.0}) {
    PlantedOptions options = options_of(20'000, 16, 8);
    options.mixing = mixing;
    const RawDataset raw = planted(options);
    const auto& edges = std::get<OwnedColumns<std::int32_t>>(raw.edges);
    std::int64_t leaving = 0;
    for (std::int64_t e = 0; e < edges.source.ssize(); ++e)
      leaving += raw.classes[edges.source[e]] != raw.classes[edges.destination[e]];
    EXPECT_NEAR(static_cast<double>(leaving) / static_cast<double>(edges.source.size()), mixing, 0.01);
  }
}

TEST(Planted, ClassesAreBalancedAndLabelNoiseIsWhatWasAsked) {
  PlantedOptions options = options_of(30'000, 5, 12);
  options.classes = 4;
  const RawDataset clean = planted(options);
  for (std::int64_t c = 0; c < 4; ++c)
    EXPECT_EQ(std::count(clean.classes.begin(), clean.classes.end(), c), 7500);
  options.label_noise = 0.1;
  const RawDataset noisy = planted(options);
  std::int64_t changed = 0;
  for (std::int64_t i = 0; i < 30'000; ++i) changed += clean.classes[i] != noisy.classes[i];
  EXPECT_NEAR(static_cast<double>(changed) / 30'000, 0.1, 0.01);
}

TEST(Planted, ARangeOfFeaturesIsThatRangeOfAllFeatures) {
  RawDataset raw = planted(options_of(1000, 5, 4));
  std::vector<std::byte> some(static_cast<std::size_t>(10 * 33) * sizeof(float));
  raw.features.fill(500, 510, some.data());
  materialise(raw.features);
  EXPECT_TRUE(
      std::equal(some.begin(), some.end(), raw.features.bytes.begin() + std::ptrdiff_t{500} * 33 * 4));
}

/// The accuracy on the test nodes of choosing the nearest class mean, the means learnt on the train nodes.
double nearest_mean_accuracy(const RawDataset& raw, const Matrix& x) {
  Matrix means(raw.class_count, x.cols(), 0.0F);
  std::vector<float> count(static_cast<std::size_t>(raw.class_count), 0.0F);
  for (const std::int64_t i : raw.split.train) {
    count[raw.classes[i]] += 1;
    for (std::int64_t j = 0; j < x.cols(); ++j) means(raw.classes[i], j) += x(i, j);
  }
  std::int64_t right = 0;
  for (const std::int64_t i : raw.split.test) {
    std::vector<float> distance(count.size(), 0.0F);
    for (std::size_t c = 0; c < count.size(); ++c)
      for (std::int64_t j = 0; j < x.cols(); ++j) {
        const float apart = x(i, j) - means(static_cast<std::int64_t>(c), j) / count[c];
        distance[c] += apart * apart;
      }
    right += std::min_element(distance.begin(), distance.end()) - distance.begin() == raw.classes[i];
  }
  return static_cast<double>(right) / static_cast<double>(raw.split.test.size());
}

/// Every row becomes the mean over itself and its neighbours.
Matrix averaged(const Matrix& x, CsrView<std::int32_t> graph) {
  Matrix y(x.rows(), x.cols());
  for (std::int64_t i = 0; i < x.rows(); ++i)
    for (std::int64_t j = 0; j < x.cols(); ++j) {
      float sum = x(i, j);
      for (const std::int32_t source : graph.row(i)) sum += x(source, j);
      y(i, j) = sum / static_cast<float>(graph.degree(i) + 1);
    }
  return y;
}

TEST(Planted, NeighboursTellTheClassAndFeaturesAloneDoNot) {
  PlantedOptions options = options_of(8000, 16, 8);
  options.label_noise = 0.05;
  RawDataset raw = planted(options);
  materialise(raw.features);
  Matrix x(8000, 33);
  std::copy(raw.features.bytes.begin(), raw.features.bytes.end(), reinterpret_cast<std::byte*>(x.data()));
  const CleanGraph graph = cleaned(raw);
  const auto csr = std::get<Csr32>(graph.csr).view();
  EXPECT_LT(nearest_mean_accuracy(raw, x), 0.5);
  const double two_hops = nearest_mean_accuracy(raw, averaged(averaged(x, csr), csr));
  EXPECT_GT(two_hops, 0.85);
  EXPECT_LT(two_hops, 0.97);
}

TEST(Planted, TinyAndExtremeOptionsWork) {
  for (const auto& [nodes, communities] : {std::pair{1, 1}, {2, 2}, {3, 1}, {10, 10}, {1000, 999}}) {
    PlantedOptions options = options_of(nodes, 3, communities);
    options.split = parse_split("random:1/0/0");
    RawDataset raw = planted(options);
    EXPECT_NO_THROW(validate(raw)) << nodes;
    EXPECT_EQ(cleaned(raw).any().n(), nodes);
  }
}

TEST(Planted, OptionsOutsideTheirRangeAreRefused) {
  auto said = [](auto change) {
    PlantedOptions options = options_of(100, 3, 4);
    change(options);
    return test::refusal([&] { planted(options); });
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(said([](auto& o) { o.nodes = 0; }), HasSubstr("--nodes 0 is outside"));
  EXPECT_THAT(said([](auto& o) { o.communities = 101; }), HasSubstr("--communities 101"));
  EXPECT_THAT(said([](auto& o) { o.classes = 5; }), HasSubstr("--classes 5"));
  EXPECT_THAT(said([](auto& o) { o.mixing = 1.5; }), HasSubstr("--mixing 1.5 is outside [0, 1]"));
  EXPECT_THAT(said([](auto& o) { o.split = parse_split("public"); }), HasSubstr("brings no split"));
}

TEST(PowerLaw, TheQuantileInvertsTheIntegralOfTheShare) {
  for (const double peak : {1.5, 10.0, 48.0, 500.0}) {
    const PowerLaw law(peak);
    EXPECT_NEAR(law.share(0), peak, 1e-6 * peak);
    double integral = 0;
    constexpr int kSteps = 2'000'000;
    for (int i = 0; i < kSteps; ++i) {
      integral += law.share((i + 0.5) / kSteps) / kSteps;
      if (i % 400'000 == 399'999) {
        EXPECT_NEAR(law.quantile(integral), (i + 1.0) / kSteps, 1e-4);
      }
    }
    EXPECT_NEAR(integral, 1, 1e-4);
  }
}

TEST(Shuffle, IsAPermutation) {
  for (const std::int64_t n : {1, 2, 3, 4, 5, 16, 17, 1000, 4096, 100'003}) {
    const Shuffle shuffle(n, philox_key(3, Stream::generate));
    std::vector<bool> hit(static_cast<std::size_t>(n), false);
    std::int64_t fixed = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      ASSERT_GE(shuffle(i), 0);
      ASSERT_LT(shuffle(i), n);
      EXPECT_FALSE(hit[static_cast<std::size_t>(shuffle(i))]);
      hit[static_cast<std::size_t>(shuffle(i))] = true;
      fixed += shuffle(i) == i;
    }
    if (n >= 1000) {
      EXPECT_LT(fixed, 10);
    }
  }
}

TEST(Gaussians, HaveTheMomentsOfANormalLaw) {
  const PhiloxKey key = philox_key(1, Stream::generate);
  double sums[5] = {};
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i)
    for (const float x : gaussians(draw_words(key, StoreId(i), 0, 0)))
      for (int power = 1; power <= 4; ++power)
        sums[power] += std::pow(static_cast<double>(x), power) / (4.0 * kDraws);
  EXPECT_NEAR(sums[1], 0, 0.01);
  EXPECT_NEAR(sums[2], 1, 0.01);
  EXPECT_NEAR(sums[3], 0, 0.03);
  EXPECT_NEAR(sums[4], 3, 0.06);
}

}  // namespace
}  // namespace kith
