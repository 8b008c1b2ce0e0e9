// What a pipeline promises on any communicator; thread ranks and MPI ranks both run it.
#include "sampler/pipeline_claims.h"

#include "sampler/reference_sampler.h"
#include <gtest/gtest.h>

namespace kith::test {

Ranks::Ranks(Communicator& comm, const PartitionedStore& p, const SamplerOptions& options,
             const std::string& policy, std::int64_t cache, Rows rows)
    : parts(p),
      ownership(p, comm.size()),
      owned(p, ownership, comm.rank()),
      schedule(p, options),
      topology_comm(comm.duplicate()),
      topology(rows == Rows::replicated ? replicated_topology(p)
                                        : partitioned_topology(*topology_comm, ledger, p, ownership)),
      sampler(*topology, options, ownership.nodes()),
      features(comm, ledger, owned, ownership,
               rank_remote_nodes(policy, {parts, ownership, comm.rank(), options.fanouts, options.batch_size},
                                 cache)) {}

void expect_reference_batches(Communicator& comm, const RandomStore& store, int depth, Rows rows) {
  const PartitionedStore parts = store.open();
  const SamplerOptions options{.fanouts = {4, 3}, .batch_size = 48, .exclude_self = true, .seed = 11};
  Ranks rank(comm, parts, options, "vip", 20, rows);
  const std::vector<std::int64_t> ids = store_ids_of(parts);
  std::vector<int> owner(ids.size());
  for (std::size_t g = 0; g < ids.size(); ++g)
    owner[ids[g]] = rank.ownership.rank_of(GlobalId{static_cast<std::int64_t>(g)}).value();
  const std::int64_t per_epoch = rank.schedule.batches_per_epoch();
  const std::int64_t first = 1, end = 2 * per_epoch;
  BatchPipeline pipeline(rank.schedule, rank.sampler, rank.features, rank.owned, rank.ledger,
                         {.depth = depth, .first_step = first, .end_step = end});
  for (std::int64_t step = first; step < end; ++step) {
    const Batch batch = pipeline.next();
    const std::vector<std::int64_t> order = reference_order(store, 11, step / per_epoch);
    std::vector<std::int64_t> seeds;
    std::int64_t global_seeds = 0;
    for (std::int64_t i = step % per_epoch * 48; i < std::min(std::ssize(order), (step % per_epoch + 1) * 48);
         ++i) {
      ++global_seeds;
      if (owner[order[i]] == comm.rank().value()) seeds.push_back(order[i]);
    }
    EXPECT_TRUE(in_store_ids(batch) == reference_batch(store, options, seeds, step)) << "step " << step;
    EXPECT_EQ(batch.step, step);
    EXPECT_EQ(batch.epoch, step / per_epoch);
    EXPECT_EQ(batch.global_seeds, global_seeds);
    EXPECT_EQ(batch.seeds(), std::ssize(seeds));
    EXPECT_EQ(batch.labels.ssize(), std::ssize(seeds));
    for (std::size_t i = 0; i < seeds.size(); ++i) EXPECT_EQ(batch.labels[i], store.labels[seeds[i]]);
    for (std::int64_t i = 0; i < batch.nodes.ssize(); ++i)
      for (std::int64_t c = 0; c < batch.features.cols(); ++c)
        EXPECT_EQ(batch.features(i, c), store.feature(batch.store_ids[i].value(), c));
  }
  EXPECT_THROW(pipeline.next(), Error);
}

void leave_early(Communicator& comm, const RandomStore& store, int depth, std::int64_t after, Rows rows) {
  const PartitionedStore parts = store.open();
  Ranks rank(comm, parts, {.fanouts = {4, 3}, .batch_size = 10}, "none", 0, rows);
  BatchPipeline pipeline(rank.schedule, rank.sampler, rank.features, rank.owned, rank.ledger,
                         {.depth = depth, .first_step = 0, .end_step = 15});
  for (std::int64_t i = 0; i < after; ++i) EXPECT_EQ(pipeline.next().step, i);
}

}  // namespace kith::test
