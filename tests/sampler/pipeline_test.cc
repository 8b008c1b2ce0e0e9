#include "kith/sampler/pipeline.h"

#include "sampler/pipeline_claims.h"
#include <gtest/gtest.h>

#include "kith/comm/world.h"

namespace kith::test {
namespace {

TEST(BatchPipeline, GivesTheReferenceBatchesForAnyRanksPartsAndDepth) {
  for (const int parts : {1, 4, 5}) {
    const RandomStore store({.nodes = 300, .self_loops = true, .parts = parts});
    for (const int ranks : {1, 2, 4})
      for (const int depth : {0, 1, 3})
        if (ranks <= parts)
          run_thread_ranks(ranks, [&](Communicator& comm) { expect_reference_batches(comm, store, depth); });
  }
}

TEST(PartitionedTopology, GivesTheBatchesOfTheReplicatedOneForAnyRanksPartsAndDepth) {
  for (const int parts : {1, 4, 5}) {
    const RandomStore store({.nodes = 300, .self_loops = true, .parts = parts});
    for (const int ranks : {1, 2, 4})
      for (const int depth : {0, 2})
        if (ranks <= parts)
          run_thread_ranks(
              ranks,
              [&](Communicator& comm) { expect_reference_batches(comm, store, depth, Rows::partitioned); },
              {.seed = 6, .delay_probability = 0.2, .reorder_probability = 0.2});
  }
}

TEST(PartitionedTopology, ARankWithoutSeedsSamplesForTheOthers) {
  const RandomStore store({.nodes = 300, .parts = 4, .parts_without_train = 2});
  run_thread_ranks(2,
                   [&](Communicator& comm) { expect_reference_batches(comm, store, 2, Rows::partitioned); });
}

TEST(BatchPipeline, DelaysAndReorderingChangeNothing) {
  const RandomStore store({.nodes = 200, .parts = 3});
  run_thread_ranks(3, [&](Communicator& comm) { expect_reference_batches(comm, store, 3); },
                   {.seed = 4, .delay_probability = 0.3, .reorder_probability = 0.3});
}

TEST(BatchPipeline, ARankWithoutSeedsMakesTheSameSteps) {
  const RandomStore store({.nodes = 300, .parts = 4, .parts_without_train = 2});
  for (const int depth : {0, 2})
    run_thread_ranks(2, [&](Communicator& comm) {
      if (comm.rank().value() == 0) {
        const PartitionedStore parts = store.open();
        EXPECT_EQ(OwnedData(parts, Ownership(parts, 2), comm.rank()).split[0].size(), 0u);
      }
      expect_reference_batches(comm, store, depth);
    });
}

TEST(BatchPipeline, CanBeLeftAtAnyPoint) {
  const RandomStore store({.nodes = 300, .parts = 2});
  for (const std::int64_t after : {0, 1, 2, 7, 15})
    for (const int depth : {0, 1, 4})
      run_thread_ranks(2, [&](Communicator& comm) { leave_early(comm, store, depth, after); });
}

TEST(PartitionedTopology, CanBeLeftAtAnyPoint) {
  const RandomStore store({.nodes = 300, .parts = 3});
  for (const std::int64_t after : {0, 2})
    run_thread_ranks(3, [&](Communicator& comm) { leave_early(comm, store, 3, after, Rows::partitioned); });
}

TEST(BatchPipeline, DepthDoesNotRunAheadOfTheConsumer) {
  const RandomStore store({.nodes = 300, .parts = 1});
  run_thread_ranks(1, [&](Communicator& comm) {
    const PartitionedStore parts = store.open();
    Ranks rank(comm, parts, {.fanouts = {2}, .batch_size = 5}, "none", 0);
    double rows = 0;
    {
      BatchPipeline pipeline(rank.schedule, rank.sampler, rank.features, rank.owned, rank.ledger,
                             {.depth = 2, .first_step = 0, .end_step = 30});
      for (int i = 0; i < 3; ++i) rows += static_cast<double>(pipeline.next().nodes.size());
    }
    // At most two more batches of at most 15 nodes each were made.
    EXPECT_GE(rank.ledger.total("features.local_rows"), rows);
    EXPECT_LE(rank.ledger.total("features.local_rows"), rows + 2 * 15);
  });
}

class BrokenTopology final : public Topology {
 public:
  HopResult sample(std::span<const GlobalId>, const HopRequest& request) override {
    if (request.step >= 2) throw CorruptError("the rows are damaged");
    return {Array<std::int64_t>(sizes_ + 1, 0), {}};
  }
  void describe(std::span<const GlobalId> nodes, bool, std::span<StoreId> ids,
                std::span<std::int64_t> degrees) override {
    for (std::size_t i = 0; i < nodes.size(); ++i) ids[i] = StoreId{0}, degrees[i] = 0;
  }
  std::size_t sizes_ = 10;
};

TEST(BatchPipeline, AnErrorOfTheBackgroundThreadIsThrownByNextAfterTheGoodBatches) {
  const RandomStore store({.nodes = 300, .parts = 1});
  for (const int depth : {0, 1, 3})
    run_thread_ranks(1, [&](Communicator& comm) {
      const PartitionedStore parts = store.open();
      const SamplerOptions options{.fanouts = {2}, .batch_size = 10};
      Ranks rank(comm, parts, options, "none", 0);
      BrokenTopology broken;
      NeighbourSampler sampler(broken, options, 300);
      BatchPipeline pipeline(rank.schedule, sampler, rank.features, rank.owned, rank.ledger,
                             {.depth = depth, .first_step = 0, .end_step = 15});
      EXPECT_EQ(pipeline.next().step, 0);
      EXPECT_EQ(pipeline.next().step, 1);
      EXPECT_THROW(pipeline.next(), CorruptError);
    });
}

TEST(BatchPipeline, CountsItsSeconds) {
  const RandomStore store({.nodes = 300, .parts = 1});
  run_thread_ranks(1, [&](Communicator& comm) {
    const PartitionedStore parts = store.open();
    Ranks rank(comm, parts, {.fanouts = {2}, .batch_size = 10}, "none", 0);
    BatchPipeline pipeline(rank.schedule, rank.sampler, rank.features, rank.owned, rank.ledger,
                           {.depth = 2, .first_step = 0, .end_step = 3});
    pipeline.next();
    for (const char* phase : {"seconds.sample", "seconds.fetch", "seconds.batch_wait"})
      EXPECT_GT(rank.ledger.total(phase), 0) << phase;
  });
}

}  // namespace
}  // namespace kith::test
