#include "kith/exec/memory_estimate.h"

#include <random>

#include "exec/trained.h"
#include <gtest/gtest.h>

#include "kith/core/host.h"
#include "kith/exec/halo/halo_exchange.h"
#include "kith/exec/local_graph.h"
#include "kith/exec/memory_report.h"
#include "kith/sampler/pipeline.h"

namespace kith {
namespace {

using test::RandomStore;

TEST(RankShape, IsThatOfTheGraphThatTheRankBuilds) {
  const RandomStore store({.nodes = 600, .self_loops = true});
  const PartitionedStore parts = test::cut(store, "random", 4);
  for (const int ranks : {1, 2, 3, 4}) {
    run_thread_ranks(ranks, [&](Communicator& comm) {
      Ledger ledger;
      const Ownership ownership(parts, ranks);
      const OwnedData owned(parts, ownership, comm.rank());
      const LocalGraph graph({comm, ledger, ownership, owned}, SelfEdges::as_stored, {});
      const RankShape shape = rank_shape(parts, ownership, comm.rank());
      EXPECT_EQ(shape.owned, graph.owned());
      EXPECT_EQ(shape.halo, graph.halo());
      EXPECT_EQ(shape.edges, graph.layer_graph().csr().m());
      EXPECT_EQ(shape.sent_rows, graph.layer_graph().halo()->lists().send_rows.ssize());
      EXPECT_EQ(shape.split, owned.split[0].ssize() + owned.split[1].ssize() + owned.split[2].ssize());
    });
  }
}

// Against the mean halo of many graphs that really were cut at random.
TEST(RankShape, OfARandomCutIsTheMeanOverRandomCuts) {
  const RandomStore store({.nodes = 500});
  const PartitionedStore whole = open_data(store.folder.path() / "store");
  const PartView all = whole.part(Part{0});
  constexpr int kRanks = 3, kCuts = 200;
  // Out-neighbours are what a node is needed by; the store's rows are in-edges, so count over the transpose.
  std::mt19937 random(11);
  double halo = 0;
  for (int cut = 0; cut < kCuts; ++cut) {
    std::vector<int> rank(static_cast<std::size_t>(all.nodes));
    for (int& r : rank) r = static_cast<int>(random() % kRanks);
    std::set<std::pair<int, std::int64_t>> needed;
    for (std::int64_t v = 0; v < all.nodes; ++v)
      for (std::int64_t e = all.indptr[v]; e < all.indptr[v + 1]; ++e)
        if (rank[v] != rank[all.indices[e]]) needed.insert({rank[v], all.indices[e]});
    halo += static_cast<double>(needed.size()) / kRanks / kCuts;
  }
  const RankShape shape = shape_of_random_cut(whole, kRanks);
  EXPECT_NEAR(static_cast<double>(shape.halo), halo, 0.05 * halo);
  EXPECT_EQ(shape.owned, all.nodes / kRanks);
}

TEST(LargestBatch, IsOneThatTrainingWillSample) {
  const RandomStore store({.nodes = 600});
  const PartitionedStore parts = test::cut(store, "random", 2);
  TrainOptions options;
  options.fanouts = {4, 3};
  options.batch_size = 50;
  options.seed = 9;
  const Ownership ownership(parts, 2);
  const std::int64_t first = ownership.first(Rank{1}), end = ownership.end(Rank{1});
  const BatchShape shape = largest_batch(parts, first, end, options, SelfEdges::as_stored);
  const SamplerOptions sampling{.fanouts = options.fanouts, .batch_size = 50, .seed = 9};
  BatchSchedule schedule(parts, sampling);
  const auto topology = replicated_topology(parts, RowStorage::packed);
  NeighbourSampler sampler(*topology, sampling, ownership.nodes());
  std::int64_t largest = 0;
  for (std::int64_t b = 0; b < std::min<std::int64_t>(4, schedule.batches_per_epoch()); ++b) {
    std::vector<GlobalId> own;
    for (const GlobalId seed : schedule.seeds(0, b))
      if (ownership.rank_of(seed) == Rank{1}) own.push_back(seed);
    largest = std::max(largest, sampler.sample(own, 0, b).nodes.ssize());
  }
  EXPECT_EQ(shape.nodes(), largest);
  ASSERT_EQ(shape.blocks.size(), 2u);
  EXPECT_EQ(shape.blocks[0].destinations, shape.blocks[1].sources);
  EXPECT_LT(shape.remote, shape.nodes());
}

MemoryByKind memory_of(const test::Training& training, std::int64_t nodes, int ranks) {
  RunShape shape{.data = {.nodes = nodes * ranks,
                          .edges = 20 * nodes * ranks,
                          .train = nodes,
                          .features = 64,
                          .feature_row_bytes = 256,
                          .classes = 8},
                 .rank = {.owned = nodes, .edges = 20 * nodes},
                 .ranks = ranks};
  if (ranks > 1) shape.rank.halo = shape.rank.sent_rows = nodes / 2;
  ModelOptions model = training.model;
  return estimated_memory(shape, training.options,
                          [&](Parameters& all, std::int64_t in, std::int64_t classes) {
                            model.in = in;
                            model.classes = classes;
                            return make_model(all, model);
                          });
}

test::Training wide(const char* model) {
  test::Training training = test::full_graph_training(model);
  training.model.hidden = 64;
  return training;
}

TEST(MemoryEstimate, OfABillionEdgesTakesNoMemory) {
  const std::int64_t before = resident_bytes();
  const MemoryByKind memory = memory_of(wide("sage"), 50'000'000, 1);
  EXPECT_GT(memory.total(), std::int64_t{50'000'000} * 64 * 4 * 5);
  EXPECT_LT(resident_bytes() - before, std::int64_t{100} << 20);
}

TEST(MemoryEstimate, GrowsInProportionToTheGraph) {
  for (const char* model : {"gcn", "sage", "sage-max", "gin", "gat", "gatv2"}) {
    const auto small = memory_of(wide(model), 400'000, 1), large = memory_of(wide(model), 1'600'000, 1);
    EXPECT_NEAR(static_cast<double>(large.total()) / static_cast<double>(small.total()), 4, 0.4) << model;
  }
}

// Layer by layer: what a three-layer GCN must keep until its backward pass is the input of every product and
// the output of every activation, counted by hand.
TEST(MemoryEstimate, KeepsTheActivationsThatAGcnNeeds) {
  test::Training training = wide("gcn");
  training.model.layers = 3;
  const std::int64_t nodes = 1'000'000, row = nodes * 64 * 4;
  const MemoryByKind memory = memory_of(training, nodes, 1);
  const std::int64_t kept = memory[MemoryKind::activations];
  EXPECT_GE(kept, 3 * row);  // the dropped features, and every hidden layer's output once
  EXPECT_LE(kept, 6 * row);
}

TEST(MemoryEstimate, HasHaloBuffersOnSeveralRanksOnly) {
  EXPECT_EQ(memory_of(wide("gcn"), 100'000, 1)[MemoryKind::halo], 0);
  EXPECT_GT(memory_of(wide("gcn"), 100'000, 2).total(), memory_of(wide("gcn"), 100'000, 1).total());
}

// Three layers have two exchanges: a CSR and its transpose each.
TEST(MemoryEstimate, HoldsTheEdgesOfAPlanOfSumsBesideTheGraph) {
  test::Training rows = wide("gcn"), sums = wide("gcn");
  sums.options.protocol.plan = "cover";
  const std::int64_t nodes = 100'000, edges = 20 * nodes;
  const std::int64_t more =
      memory_of(sums, nodes, 2)[MemoryKind::graph] - memory_of(rows, nodes, 2)[MemoryKind::graph];
  EXPECT_GT(more, 2 * 2 * 4 * edges);
  EXPECT_LT(more, 2 * 6 * 4 * edges);
  EXPECT_EQ(memory_of(sums, nodes, 1).total(), memory_of(rows, nodes, 1).total());
}

/// Of a broadcast the rows of all other ranks arrive, of groups of two those of half of the ranks.
TEST(MemoryEstimate, HoldsWhatARouteBrings) {
  const auto halo = [](const std::string& route) {
    test::Training training = wide("gcn");
    training.options.protocol.route = route;
    return memory_of(training, 100'000, 8)[MemoryKind::halo];
  };
  const std::int64_t row = 64 * 4;
  EXPECT_GT(halo("broadcast"), 700'000 * row);
  EXPECT_GT(halo("replicated:2"), 400'000 * row);
  EXPECT_LT(halo("replicated:2"), halo("broadcast"));
  EXPECT_LT(halo("point-to-point"), 400'000 * row);
}

TEST(MemoryEstimate, OfMiniBatchesWithoutTrainNodesIsThatOfLoading) {
  test::Training training = wide("gcn");
  training.options.regime = Regime::mini_batch;
  EXPECT_GT(memory_of(training, 1000, 1).total(), std::int64_t{1000} * 64 * 4);
}

TEST(MemoryWarning, NamesThreeSettingsWhereAHostHasTooLittle) {
  MemoryByKind memory;
  memory[MemoryKind::activations] = std::int64_t{1} << 50;
  run_thread_ranks(2, [&](Communicator& comm) {
    const std::string full = memory_warning(comm, memory, Regime::full_graph);
    for (const char* words : {"run out of memory", "--regime mini-batch", "--hidden", "mpiexec -n"})
      EXPECT_NE(full.find(words), std::string::npos) << full;
    const std::string batches = memory_warning(comm, memory, Regime::mini_batch);
    for (const char* words : {"--batch-size", "--fanout", "--hidden"})
      EXPECT_NE(batches.find(words), std::string::npos) << batches;
    EXPECT_EQ(memory_warning(comm, {}, Regime::full_graph), "");
  });
}

TEST(EstimateTable, HasALineForEveryKindAndTheTotals) {
  MemoryByKind a, b;
  a[MemoryKind::graph] = 1'000'000;
  a[MemoryKind::mapped] = 2'000'000;
  b[MemoryKind::graph] = 5'000'000;
  const std::string table = estimate_table(std::vector{a, b});
  for (const char* words : {"rank 1", "graph", "3.0 MB", "5.0 MB", "without map."})
    EXPECT_NE(table.find(words), std::string::npos) << table;
  EXPECT_NE(estimate_table(std::vector{a, a}).find("each rank"), std::string::npos);
}

}  // namespace
}  // namespace kith
