#include "kith/sampler/neighbour_sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sampler/reference_sampler.h"
#include <gtest/gtest.h>

#include "kith/core/parallel.h"

namespace kith::test {
namespace {

std::vector<GlobalId> global_ids(const PartitionedStore& parts, const std::vector<std::int64_t>& store_ids) {
  const std::vector<std::int64_t> store_of = store_ids_of(parts);
  std::vector<GlobalId> global_of(store_of.size());
  for (std::size_t g = 0; g < store_of.size(); ++g)
    global_of[store_of[g]] = GlobalId{static_cast<std::int64_t>(g)};
  std::vector<GlobalId> out;
  for (const std::int64_t id : store_ids) out.push_back(global_of[id]);
  return out;
}

std::vector<std::int64_t> store_ids_at(const PartitionedStore& parts, std::span<const GlobalId> nodes) {
  const std::vector<std::int64_t> store_of = store_ids_of(parts);
  std::vector<std::int64_t> out;
  for (const GlobalId node : nodes) out.push_back(store_of[node.value()]);
  return out;
}

struct Case {
  std::vector<std::int64_t> fanouts;
  bool replace;
  bool exclude_self;
};
const Case kCases[] = {{{5, 3, 2}, false, false}, {{4, 7}, true, true},    {{-1, 2}, false, true},
                       {{1}, true, false},        {{3, -1}, false, false}, {{60, 2}, false, true},
                       {{1000}, false, false}};

TEST(NeighbourSampler, EqualsAReferenceMadeOfSetsAndMaps) {
  for (const int parts : {1, 3, 7}) {
    const RandomStore store({.self_loops = true, .parts = parts, .seed = static_cast<std::uint64_t>(parts)});
    const PartitionedStore opened = store.open();
    const auto packed = replicated_topology(opened, RowStorage::packed);
    const auto mapped = replicated_topology(opened, RowStorage::mapped);
    for (const Case& c : kCases) {
      const SamplerOptions options{.fanouts = c.fanouts,
                                   .batch_size = 30,
                                   .replace = c.replace,
                                   .exclude_self = c.exclude_self,
                                   .seed = 9};
      NeighbourSampler on_copies(*packed, options, opened.meta().store.nodes);
      NeighbourSampler in_place(*mapped, options, opened.meta().store.nodes);
      for (std::int64_t step = 0; step < 4; ++step) {
        const std::vector<std::int64_t> seeds(store.train.begin() + step * 30,
                                              store.train.begin() + step * 30 + 30);
        for (NeighbourSampler* sampler : {&on_copies, &in_place}) {
          const Batch batch = sampler->sample(global_ids(opened, seeds), 0, step);
          EXPECT_TRUE(in_store_ids(batch) == reference_batch(store, options, seeds, step))
              << (sampler == &on_copies ? "packed" : "mapped") << ", parts " << parts << ", step " << step
              << ", first fanout " << c.fanouts[0];
          EXPECT_EQ(store_ids_at(opened, batch.nodes), in_store_ids(batch).nodes);
        }
      }
    }
  }
}

TEST(NeighbourSampler, SeveralNodesAtATimeDrawWhatOneDoes) {
  const RandomStore store({.nodes = 900, .degree = 40, .self_loops = true});
  const PartitionedStore opened = store.open();
  const auto packed = replicated_topology(opened, RowStorage::packed);
  const auto mapped = replicated_topology(opened, RowStorage::mapped);
  const std::vector<GlobalId> seeds = global_ids(opened, store.train);
  for (const std::int64_t fanout : {1, 2, 7, 8, 15, 16, 31, 32, 33})
    for (const bool replace : {false, true}) {
      const SamplerOptions options{
          .fanouts = {fanout, 3}, .replace = replace, .exclude_self = fanout % 2 == 0, .seed = 4};
      NeighbourSampler several(*packed, options, 900), one(*mapped, options, 900);
      const Batch batch = several.sample(seeds, 0, 2), expected = one.sample(seeds, 0, 2);
      EXPECT_TRUE(in_store_ids(batch) == in_store_ids(expected)) << "fanout " << fanout;
      EXPECT_TRUE(std::equal(batch.degrees.begin(), batch.degrees.end(), expected.degrees.begin()));
    }
}

TEST(NeighbourSampler, DegreesAreThoseOfTheGraphWithoutAnExcludedLoop) {
  const RandomStore store({.self_loops = true});
  const PartitionedStore opened = store.open();
  const auto topology = replicated_topology(opened);
  for (const bool exclude_self : {false, true}) {
    NeighbourSampler sampler(*topology, {.fanouts = {3, 3}, .exclude_self = exclude_self}, 400);
    const Batch batch = sampler.sample(global_ids(opened, {0, 2, 4, 6}), 0, 0);
    for (std::int64_t i = 0; i < batch.nodes.ssize(); ++i) {
      const std::int64_t v = batch.store_ids[i].value();
      const auto loops = static_cast<std::int64_t>(store.rows[v].count(v));
      EXPECT_EQ(batch.degrees[i],
                static_cast<std::int64_t>(store.rows[v].size()) - (exclude_self ? loops : 0));
    }
  }
}

TEST(NeighbourSampler, TheHashTableAndTheDirectTableAndAnyThreadsGiveTheSameBits) {
  const RandomStore store({.nodes = 3000, .degree = 30, .parts = 5});
  const PartitionedStore opened = store.open();
  const auto topology = replicated_topology(opened);
  const std::vector<GlobalId> seeds = global_ids(opened, {store.train.begin(), store.train.begin() + 600});
  std::vector<ReferenceBatch> batches;
  for (const int threads : {1, 2})
    for (const RelabelTable table : {RelabelTable::direct, RelabelTable::hash}) {
      const ThreadLimit limit(threads);
      NeighbourSampler sampler(*topology, {.fanouts = {10, 5}, .table = table}, 3000);
      sampler.sample(global_ids(opened, {1, 3}), 0, 0);  // a batch before: its marks must not matter
      batches.push_back(in_store_ids(sampler.sample(seeds, 0, 1)));
    }
  for (const ReferenceBatch& batch : batches) EXPECT_TRUE(batch == batches.front());
}

TEST(NeighbourSampler, TheUnionOverRanksIsTheBatchOfOneRankForAnyPartitioning) {
  BatchEdges expected;
  for (const int parts : {1, 4, 8})
    for (const int ranks : {1, 2, 4}) {
      if (ranks > parts) continue;
      const RandomStore store({.parts = parts});
      const PartitionedStore opened = store.open();
      const SamplerOptions options{.fanouts = {4, 3, 2}, .batch_size = 64, .seed = 5};
      BatchSchedule schedule(opened, options);
      const Ownership ownership(opened, ranks);
      BatchEdges edges;
      for (Rank rank{0}; rank.value() < ranks; ++rank) {
        const auto topology = replicated_topology(opened);
        NeighbourSampler sampler(*topology, options, ownership.nodes());
        std::vector<GlobalId> own;
        for (const GlobalId seed : schedule.seeds(1, 2))
          if (ownership.rank_of(seed) == rank) own.push_back(seed);
        add_edges(edges, in_store_ids(sampler.sample(own, 1, 7)));
      }
      if (expected.empty()) expected = edges;
      EXPECT_FALSE(edges.empty());
      EXPECT_TRUE(edges == expected) << parts << " parts, " << ranks << " ranks";
    }
}

TEST(NeighbourSampler, FanoutMinusOneIsTheWholeNeighbourhood) {
  const RandomStore store({});
  const PartitionedStore opened = store.open();
  const auto topology = replicated_topology(opened);
  NeighbourSampler sampler(*topology, {.fanouts = {-1, -1}}, 400);
  const ReferenceBatch batch = in_store_ids(sampler.sample(global_ids(opened, {10, 20}), 0, 0));
  for (const ReferenceHop& hop : batch.hops)
    for (std::size_t i = 0; i < hop.size(); ++i) {
      const auto& row = store.rows[batch.nodes[i]];
      EXPECT_EQ(hop[i], std::vector<std::int64_t>(row.begin(), row.end()));
    }
}

TEST(NeighbourSampler, WithoutReplacementNoNeighbourComesTwice) {
  const RandomStore store({.nodes = 500, .degree = 60});
  const PartitionedStore opened = store.open();
  const auto topology = replicated_topology(opened);
  for (const std::int64_t fanout : {2, 15, 48, 49, 90}) {
    NeighbourSampler sampler(*topology, {.fanouts = {fanout}}, 500);
    const Batch batch = sampler.sample(global_ids(opened, store.train), 0, 3);
    const CsrView<std::int32_t> block = batch.blocks[0].csr;
    for (std::int64_t i = 0; i < block.n(); ++i) {
      const auto row = block.row(i);
      EXPECT_EQ(std::set<std::int32_t>(row.begin(), row.end()).size(), row.size());
      EXPECT_EQ(row.size(), std::min<std::size_t>(static_cast<std::size_t>(fanout),
                                                  store.rows[batch.store_ids[i].value()].size()));
    }
  }
}

TEST(NeighbourSampler, NoSeedsGiveAnEmptyBatchOfAllBlocks) {
  const RandomStore store({});
  const PartitionedStore opened = store.open();
  const auto topology = replicated_topology(opened);
  NeighbourSampler sampler(*topology, {.fanouts = {5, 5}}, 400);
  const Batch batch = sampler.sample({}, 0, 0);
  EXPECT_EQ(batch.blocks.size(), 2u);
  EXPECT_EQ(batch.seeds(), 0);
  EXPECT_EQ(batch.nodes.size(), 0u);
}

TEST(NeighbourSampler, ASeedGivenTwiceIsRefused) {
  const RandomStore store({});
  const PartitionedStore opened = store.open();
  const auto topology = replicated_topology(opened);
  NeighbourSampler sampler(*topology, {.fanouts = {5}}, 400);
  const GlobalId twice[] = {GlobalId{3}, GlobalId{3}};
  EXPECT_THROW(sampler.sample(twice, 0, 0), Error);
}

TEST(BatchSchedule, EqualsSortingTheTrainNodesByTheirDraw) {
  const RandomStore store({.train_stride = 3});
  const PartitionedStore opened = store.open();
  BatchSchedule schedule(opened, {.batch_size = 25, .seed = 77});
  EXPECT_EQ(schedule.train_nodes(), static_cast<std::int64_t>(store.train.size()));
  EXPECT_EQ(schedule.batches_per_epoch(), 6);
  for (const std::int64_t epoch : {0, 1, 5}) {
    std::vector<std::int64_t> order;
    for (std::int64_t b = 0; b < schedule.batches_per_epoch(); ++b)
      for (const std::int64_t id : store_ids_at(opened, schedule.seeds(epoch, b))) order.push_back(id);
    EXPECT_EQ(order, reference_order(store, 77, epoch));
  }
}

}  // namespace
}  // namespace kith::test
