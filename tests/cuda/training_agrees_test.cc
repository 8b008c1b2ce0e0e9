// `--device cuda` through the same models, tape, trainers and halo exchange as on the CPU.
#include "exec/trained.h"
#include "on_cuda.h"

#include "kith/exec/halo/protocol.h"

namespace kith::test {
namespace {

const RandomStore& graph() {
  static const RandomStore store(
      {.nodes = 160, .degree = 6, .self_loops = true, .cols = 12, .train_stride = 3, .all_splits = true});
  return store;
}

class TrainingAgrees : public OnCuda {
 protected:
  Training on_cuda(Training training) const {
    training.options.on = Cuda{&device()};
    return training;
  }
  /// Losses within 1e-4 relative, the first gradient within 1e-5 relative in norm.
  static void expect_same(const Trained& some, const Trained& one, const std::string& what) {
    EXPECT_LT(largest_relative_difference(some.losses, one.losses), 1e-4) << what;
    EXPECT_LT(relative_distance(some.first_gradient, one.first_gradient), 1e-5) << what;
    for (int split = 0; split < 3; ++split)
      EXPECT_NEAR(some.evaluation.loss[split], one.evaluation.loss[split], 1e-3 * one.evaluation.loss[split])
          << what;
  }
};

Training small(Training training) {
  training.options.epochs = 3;
  return training;
}

TEST_F(TrainingAgrees, OfEveryModelOnTheFullGraph) {
  const PartitionedStore parts = cut(graph(), "range", 1);
  for (const std::string model : {"gcn", "sage", "gat", "gatv2", "gin"}) {
    const Training training = small(full_graph_training(model));
    expect_same(trained_on_threads(1, parts, on_cuda(training)), trained_on_threads(1, parts, training),
                model);
  }
}

TEST_F(TrainingAgrees, WithNormsResidualsAndJumpingKnowledge) {
  const PartitionedStore parts = cut(graph(), "range", 1);
  for (const std::string norm : {"layer", "batch"}) {
    Training training = small(full_graph_training("sage"));
    training.model.norm = norm;
    training.model.residual = true;
    training.model.jk = norm == "layer" ? "cat" : "max";
    expect_same(trained_on_threads(1, parts, on_cuda(training)), trained_on_threads(1, parts, training),
                norm);
  }
}

TEST_F(TrainingAgrees, InMiniBatches) {
  const PartitionedStore parts = cut(graph(), "range", 1);
  for (const std::string model : {"sage", "gat"}) {
    Training training = small(mini_batch_training(model));
    const Trained expected = trained_on_threads(1, parts, training);
    for (const std::string where : {"host", "device"}) {
      training.options.sample_on = where;
      expect_same(trained_on_threads(1, parts, on_cuda(training)), expected, model + " sampled on " + where);
    }
  }
}

TEST_F(TrainingAgrees, InMiniBatchesOnSeveralRanks) {
  const PartitionedStore parts = cut(graph(), "random", 2);
  const Training training = small(mini_batch_training("sage"));
  expect_same(trained_on_threads(2, parts, on_cuda(training)), trained_on_threads(2, parts, training),
              "two ranks");
}

TEST_F(TrainingAgrees, OnSeveralRanksWhoseRowsCrossTheHost) {
  const PartitionedStore parts = cut(graph(), "random", 2);
  for (const std::string encode : {"fp32", "bf16", "int4"}) {
    Training training = small(full_graph_training("gat"));
    training.options.protocol.encode = encode;
    expect_same(trained_on_threads(2, parts, on_cuda(training)), trained_on_threads(2, parts, training),
                encode);
  }
  Training sampled = small(full_graph_training("sage"));
  sampled.options.protocol.select = "boundary:0.5";
  expect_same(trained_on_threads(2, parts, on_cuda(sampled)), trained_on_threads(2, parts, sampled),
              "boundary");
  Training stale = small(full_graph_training("gcn"));
  stale.options.protocol.schedule = "stale";
  expect_same(trained_on_threads(2, parts, on_cuda(stale)), trained_on_threads(2, parts, stale), "stale");
}

// Frames are packed by the host, whose rows come from the device.
TEST_F(TrainingAgrees, OnSeveralRanksUnderFramesAndPlansOfSums) {
  const PartitionedStore parts = cut(graph(), "random", 2);
  const std::vector<HaloProtocol> protocols{{.encode = "support"},
                                            {.encode = "delta:4"},
                                            {.encode = "adaptive:4"},
                                            {.encode = "falling:4", .steps = 3},
                                            {.encode = "int4", .feedback = true},
                                            {.checksum = true},
                                            {.select = "moved:0.05"},
                                            {.plan = "needed-rows"},
                                            {.plan = "partial-aggregates"},
                                            {.plan = "cover", .schedule = "overlap"}};
  for (const HaloProtocol& protocol : protocols) {
    Training training = small(full_graph_training("sage"));
    training.options.protocol = protocol;
    expect_same(trained_on_threads(2, parts, on_cuda(training)), trained_on_threads(2, parts, training),
                explained(protocol));
  }
}

/// Ranks of hosts of two.
Trained on_hosts(int ranks, const PartitionedStore& parts, const Training& training) {
  Trained result;
  run_thread_ranks(
      ranks,
      [&](Communicator& comm) {
        Trained own = trained(comm, parts, training);
        if (comm.rank() == Rank{0}) result = std::move(own);
      },
      {}, 2);
  return result;
}

// Rows come from devices, and routes hold them in memory of the host: shared, or of messages.
TEST_F(TrainingAgrees, OnSeveralRanksByEveryRouteOfRows) {
  const PartitionedStore parts = cut(graph(), "random", 4);
  for (const std::string model : {"sage", "gat"}) {
    Training training = small(full_graph_training(model));
    training.options.epochs = 2;
    const Trained expected = on_hosts(4, parts, training);
    for (const std::string route : {"shared-memory", "two-level", "multicast", "broadcast"}) {
      training.options.protocol.route = route;
      expect_same(on_hosts(4, parts, on_cuda(training)), expected, model + " by " + route);
    }
  }
}

TEST_F(TrainingAgrees, OnSeveralRanksBySharedMemoryUnderOtherAxes) {
  const PartitionedStore parts = cut(graph(), "random", 4);
  const std::vector<HaloProtocol> protocols{{.route = "shared-memory", .encode = "support"},
                                            {.plan = "cover", .route = "shared-memory"},
                                            {.route = "shared-memory", .schedule = "stale"},
                                            {.route = "two-level", .encode = "int4"}};
  for (const HaloProtocol& protocol : protocols) {
    Training training = small(full_graph_training("sage"));
    training.options.epochs = 2;
    training.options.protocol = protocol;
    expect_same(on_hosts(4, parts, on_cuda(training)), on_hosts(4, parts, training), explained(protocol));
  }
}

TEST_F(TrainingAgrees, OnSeveralRanksInRoundsAndInGroupsThatSum) {
  const PartitionedStore parts = cut(graph(), "random", 4);
  for (const std::string model : {"gcn", "sage", "gin"}) {
    for (const HaloProtocol& protocol :
         {HaloProtocol{.route = "ring"}, HaloProtocol{.route = "replicated:2", .encode = "bf16"}}) {
      Training training = small(full_graph_training(model));
      training.options.epochs = 2;
      training.options.protocol = protocol;
      expect_same(on_hosts(4, parts, on_cuda(training)), on_hosts(4, parts, training),
                  model + ' ' + explained(protocol));
    }
  }
}

TEST_F(TrainingAgrees, OrIsRefused) {
  const PartitionedStore parts = cut(graph(), "random", 4);
  const auto refused = [&](const std::string& model, const HaloProtocol& protocol) {
    Training training = small(full_graph_training(model));
    training.options.protocol = protocol;
    EXPECT_THROW(on_hosts(4, parts, on_cuda(training)), InputError) << explained(protocol);
  };
  refused("gat", {.route = "ring"});
  refused("sage", {.plan = "tensor"});
  refused("gat", {.plan = "partial-aggregates"});
}

}  // namespace
}  // namespace kith::test
