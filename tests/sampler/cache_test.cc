#include "kith/sampler/cache.h"

#include <cmath>
#include <numeric>

#include "sampler/random_store.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/sampler/cache_policies.h"
#include "kith/sampler/neighbour_sampler.h"

namespace kith::test {
namespace {

TEST(CacheSpec, ReadsPercentRowsAndBytes) {
  EXPECT_EQ(parse_cache_spec("none").policy, "none");
  EXPECT_DOUBLE_EQ(parse_cache_spec("vip:10%").fraction, 0.1);
  EXPECT_EQ(parse_cache_spec("degree:50000").rows, 50000);
  EXPECT_EQ(parse_cache_spec("vip:2GiB").bytes, std::int64_t{2} << 30);
  EXPECT_EQ(parse_cache_spec("vip:0").rows, 0);
  EXPECT_EQ(cache_rows(parse_cache_spec("vip:10%"), 1000, 4, 8), 25);
  EXPECT_EQ(cache_rows(parse_cache_spec("vip:1KiB"), 1000, 4, 8), 128);
  EXPECT_EQ(cache_rows(parse_cache_spec("vip:9999"), 1000, 4, 8), 1000);
  EXPECT_EQ(cache_rows(parse_cache_spec("none"), 1000, 4, 8), 0);
  EXPECT_EQ(cache_rows(parse_cache_spec("vip:1GiB"), 1000, 4, 0), 0);
}

TEST(CacheSpec, RefusesWhatIsNone) {
  for (const char* text : {"vip", "vip:", "vip:x", "vip:-1", "vip:1.5", "lru:10%", "", ":10%", "vip:10%%",
                           "vip:nan", "vip:inf%", "vip:1e30"})
    EXPECT_THROW(parse_cache_spec(text), InputError) << text;
}

TEST(CachePolicy, DegreeKeepsTheRemoteNodesOfHighestDegree) {
  const RandomStore store({});
  const PartitionedStore parts = store.open();
  const Ownership ownership(parts, 2);
  const std::vector<std::int64_t> ids = store_ids_of(parts);
  const Array<GlobalId> kept = rank_remote_nodes("degree", {parts, ownership, Rank{1}, {5}, 10}, 30);
  ASSERT_EQ(kept.size(), 30u);
  std::size_t least = store.rows[ids[kept.back().value()]].size(), better = 0;
  for (std::int64_t v = 0; v < ownership.first(Rank{1}); ++v) better += store.rows[ids[v]].size() > least;
  EXPECT_LE(better, 30u);
  for (const GlobalId node : kept) EXPECT_EQ(ownership.rank_of(node), Rank{0});
}

/// How often each node is in rank 0's batch, over many batches of the real sampler.
std::vector<double> measured_inclusion(const PartitionedStore& parts, const Ownership& ownership,
                                       const SamplerOptions& options, std::int64_t epochs) {
  std::vector<double> counts(static_cast<std::size_t>(ownership.nodes()), 0);
  const auto topology = replicated_topology(parts);
  NeighbourSampler sampler(*topology, options, ownership.nodes());
  BatchSchedule schedule(parts, options);
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch)
    for (std::int64_t b = 0; b < schedule.batches_per_epoch(); ++b) {
      std::vector<GlobalId> own;
      for (const GlobalId seed : schedule.seeds(epoch, b))
        if (ownership.rank_of(seed) == Rank{0}) own.push_back(seed);
      const Batch batch = sampler.sample(own, epoch, epoch * schedule.batches_per_epoch() + b);
      for (const GlobalId node : batch.nodes) counts[node.value()] += 1;
    }
  for (double& count : counts) count /= static_cast<double>(epochs * schedule.batches_per_epoch());
  return counts;
}

TEST(CachePolicy, VipProbabilitiesAreNearTheMeasuredInclusion) {
  const RandomStore store({.nodes = 300, .degree = 10});
  const PartitionedStore parts = store.open();
  const Ownership ownership(parts, 2);
  const SamplerOptions options{.fanouts = {3, 2}, .batch_size = 10, .seed = 3};
  const std::vector<double> measured = measured_inclusion(parts, ownership, options, 400);
  const Array<double> vip =
      detail::vip_probabilities({parts, ownership, Rank{0}, options.fanouts, options.batch_size});
  double error = 0, sum = 0;
  for (std::int64_t v = 0; v < ownership.nodes(); ++v) {
    error += std::abs(vip[v] - measured[v]);
    sum += measured[v];
    EXPECT_TRUE(vip[v] > 0 || measured[v] == 0) << "a node of probability 0 is never sampled";
  }
  EXPECT_LT(error / sum, 0.1);  // the method takes events as independent
}

TEST(CachePolicy, VipKeepsNearlyTheBestStaticSetAndBeatsDegree) {
  const RandomStore store({.nodes = 300, .degree = 10});
  const PartitionedStore parts = store.open();
  const Ownership ownership(parts, 2);
  const SamplerOptions options{.fanouts = {3, 2}, .batch_size = 10, .seed = 3};
  std::vector<double> measured = measured_inclusion(parts, ownership, options, 200);
  const CacheContext context{parts, ownership, Rank{0}, options.fanouts, options.batch_size};
  const auto hits = [&](const std::string& policy) {
    double sum = 0;
    for (const GlobalId node : rank_remote_nodes(policy, context, 30)) sum += measured[node.value()];
    return sum;
  };
  const double vip = hits("vip"), degree = hits("degree");
  std::vector<double> remote(measured.begin() + ownership.end(Rank{0}), measured.end());
  std::sort(remote.rbegin(), remote.rend());
  EXPECT_GT(vip, 0.9 * std::accumulate(remote.begin(), remote.begin() + 30, 0.0));
  EXPECT_GT(vip, degree);
}

TEST(CachePolicy, AnUnknownOneIsRefusedWithTheKnownNames) {
  const RandomStore store({.nodes = 20});
  const PartitionedStore parts = store.open();
  const Ownership ownership(parts, 1);
  EXPECT_THROW(rank_remote_nodes("lru", {parts, ownership, Rank{0}, {5}, 10}, 5), InputError);
}

}  // namespace
}  // namespace kith::test
