// Training whose features, activations and gradients the device has no room for: the same losses, within its
// limit.
#include <algorithm>

#include "exec/trained.h"
#include "on_cuda.h"

#include "kith/core/error.h"
#include "kith/exec/train.h"

namespace kith::test {
namespace {

const RandomStore& graph() {
  static const RandomStore store(
      {.nodes = 500, .degree = 4, .self_loops = true, .cols = 12, .train_stride = 3, .all_splits = true});
  return store;
}

class SpilledTraining : public OnCuda {
 protected:
  void SetUp() override {
    OnCuda::SetUp();
    if (IsSkipped()) return;
    limit_ = {.bytes = device().memory_use().live_bytes + (84 << 10), .workspace = 66 << 10};
  }
  void TearDown() override {
    if (!IsSkipped()) device().set_limit({});
  }
  Training small(const std::string& model) const {
    Training training = full_graph_training(model);
    training.options.epochs = 2;
    return training;
  }
  Trained on_device(Training training) const {
    training.options.on = Cuda{&device()};
    return trained_on_threads(1, cut(graph(), "range", 1), training);
  }
  /// On a device of `limit_`.
  Trained spilled(const Training& training) {
    const CudaMemoryUse before = device().memory_use();
    device().set_limit(limit_);
    device().reset_peak();
    Trained result = on_device(training);
    use_ = device().memory_use();
    device().set_limit({});
    EXPECT_EQ(use_.live_bytes, before.live_bytes);
    EXPECT_EQ(use_.spilled_bytes, 0) << "all of it was given back";
    EXPECT_LE(use_.peak_bytes, limit_.bytes);
    to_device_ = use_.to_device_bytes - before.to_device_bytes;
    to_host_ = use_.to_host_bytes - before.to_host_bytes;
    return result;
  }
  void expect_agrees(const Training& training, const std::string& what) {
    const Trained expected = trained_on_threads(1, cut(graph(), "range", 1), training);
    const Trained got = spilled(training);
    EXPECT_LT(largest_relative_difference(got.losses, expected.losses), 1e-4) << what;
    EXPECT_LT(relative_distance(got.first_gradient, expected.first_gradient), 1e-5) << what;
    for (int split = 0; split < 3; ++split)
      EXPECT_NEAR(got.evaluation.loss[split], expected.evaluation.loss[split],
                  1e-3 * expected.evaluation.loss[split])
          << what;
  }

  CudaDevice::Limit limit_;
  CudaMemoryUse use_;
  std::int64_t to_device_ = 0, to_host_ = 0;
};

TEST_F(SpilledTraining, AgreesForEveryModel) {
  for (const std::string model : {"gcn", "sage", "gat", "gatv2", "gin", "sage-max"})
    expect_agrees(small(model), model);
}

TEST_F(SpilledTraining, AgreesWithNormsResidualsAndJumpingKnowledge) {
  for (const std::string norm : {"layer", "batch"}) {
    Training training = small("sage");
    training.model.norm = norm;
    training.model.residual = true;
    training.model.jk = norm == "layer" ? "cat" : "max";
    expect_agrees(training, norm);
  }
}

// Otherwise the tests above would hold for a device that was never short of memory.
TEST_F(SpilledTraining, CopiesWhatTheDeviceHasNoRoomFor) {
  const Training training = small("sage");
  device().reset_peak();
  const CudaMemoryUse before = device().memory_use();
  on_device(training);
  const CudaMemoryUse roomy = device().memory_use();
  EXPECT_GT(2 * roomy.peak_bytes, 3 * limit_.bytes);
  spilled(training);
  EXPECT_GT(to_device_, 2 * (roomy.to_device_bytes - before.to_device_bytes));
  EXPECT_GT(to_host_, 2 * (roomy.to_host_bytes - before.to_host_bytes));
}

TEST_F(SpilledTraining, IsRefusedWithNumbersWhereANodeAndItsNeighboursDoNotFit) {
  limit_.bytes = device().memory_use().live_bytes + (24 << 10);
  limit_.workspace = 6 << 10;
  device().set_limit(limit_);
  try {
    on_device(small("gat"));
    FAIL() << "there is no room for a hub";
  } catch (const MemoryError& error) {
    EXPECT_NE(std::string(error.what()).find("--device-memory-limit"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("bytes needed"), std::string::npos) << error.what();
  }
}

// From the plan before loading to the summary.
TEST_F(SpilledTraining, OfAWholeRunFollowsItsPlan) {
  const PartitionedStore parts = cut(graph(), "range", 1);
  const TemporaryFolder folder;
  for (const std::string model : {"sage", "gcn"}) {
    Training training = small(model);
    const auto run = [&](const std::string& name) {
      RunSummary summary;
      run_thread_ranks(1, [&](Communicator& comm) {
        summary =
            train(comm, parts, folder.path() / (model + name), training.options, factory_of(training.model));
      });
      return summary;
    };
    const RunSummary expected = run("-cpu");
    training.options.on = Cuda{&device()};
    training.options.device_memory_limit = "100KiB";
    device().reset_peak();
    const CudaMemoryUse before = device().memory_use();
    const RunSummary got = run("-device");
    const CudaMemoryUse use = device().memory_use();
    device().set_limit({});
    EXPECT_LE(use.peak_bytes, 100 << 10) << model;
    EXPECT_GT(use.to_host_bytes - before.to_host_bytes, 50 << 10) << model;
    for (int split = 0; split < 3; ++split)
      EXPECT_NEAR(got.best.loss[split], expected.best.loss[split], 1e-3 * expected.best.loss[split]) << model;
  }
}

TEST_F(SpilledTraining, OnSeveralRanksOrWithoutRoomForAChunkIsRefused) {
  const PartitionedStore parts = cut(graph(), "range", 2);
  const TemporaryFolder folder;
  Training training = small("sage");
  training.options.on = Cuda{&device()};
  training.options.device_memory_limit = "1GiB";
  const auto run = [&](int ranks) {
    run_thread_ranks(ranks, [&](Communicator& comm) {
      train(comm, parts, folder.path() / "run", training.options, factory_of(training.model));
    });
  };
  EXPECT_THROW(run(2), InputError);
  training.options.device_memory_limit = "2KiB";
  EXPECT_THROW(run(1), MemoryError);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "run" / "summary.json"));
}

}  // namespace
}  // namespace kith::test
