// `kith infer --device cuda` writes what the CPU writes.
#include <cmath>

#include "exec/trained.h"
#include "on_cuda.h"

#include "kith/datasets/npy_file.h"
#include "kith/exec/infer.h"
#include "kith/exec/run_folder.h"
#include "kith/kernels/product_precision.h"

namespace kith::test {
namespace {

const RandomStore& graph() {
  static const RandomStore store(
      {.nodes = 160, .degree = 6, .cols = 12, .train_stride = 3, .all_splits = true});
  return store;
}

std::vector<double> values_of(const std::filesystem::path& npy) {
  const Array<float> values = NpyFile(npy).view().copied<float>();
  return {values.begin(), values.end()};
}

class InferenceAgrees : public OnCuda {
 protected:
  /// Logits and embeddings of weights as they were drawn.
  std::vector<double> inferred(const std::string& model, int ranks, const Backend& on,
                               const HaloProtocol& protocol = {}) {
    const PartitionedStore parts = cut(graph(), "random", ranks);
    ModelOptions shape = full_graph_training(model).model;
    const ModelFactory make = [&](Parameters& parameters, std::int64_t in, std::int64_t classes) {
      shape.in = in;
      shape.classes = classes;
      return make_model(parameters, shape);
    };
    const std::int64_t features = parts.meta().store.features, classes = parts.meta().store.classes;
    Parameters parameters(7);
    const auto drawn = make(parameters, features, classes);
    const auto run = folder_.path() / "run";
    std::filesystem::create_directories(run);
    write_weights(RunFolder(run).best_weights(), parameters, weights_of(parameters).span());
    const InferOptions options{.predictions = folder_.path() / "classes.npy",
                               .embeddings = folder_.path() / "embeddings.npy",
                               .logits = folder_.path() / "logits.npy",
                               .features = features,
                               .classes = classes,
                               .protocol = protocol,
                               .on = on};
    run_thread_ranks(ranks, [&](Communicator& comm) { infer(comm, parts, run, make, options); });
    std::vector<double> all = values_of(options.logits);
    const std::vector<double> embeddings = values_of(options.embeddings);
    all.insert(all.end(), embeddings.begin(), embeddings.end());
    return all;
  }
  static void expect_near(const std::vector<double>& some, const std::vector<double>& others,
                          const std::string& what) {
    ASSERT_EQ(some.size(), others.size()) << what;
    for (std::size_t i = 0; i < some.size(); ++i)
      ASSERT_NEAR(some[i], others[i], 1e-4 * (1 + std::abs(others[i]))) << what << ' ' << i;
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(InferenceAgrees, OfModelsOnOneRankAndSeveral) {
  for (const std::string model : {"sage", "gat"})
    for (const int ranks : {1, 3})
      expect_near(inferred(model, ranks, Cuda{&device()}), inferred(model, ranks, Cpu{}),
                  model + " on " + std::to_string(ranks));
}

// What a run was trained by may be refused on GPUs; a pass over all rows is exact under every protocol.
TEST_F(InferenceAgrees, WhateverTheRunWasTrainedBy) {
  const std::vector<double> expected = inferred("sage", 4, Cpu{});
  expect_near(inferred("sage", 4, Cuda{&device()}, {.route = "ring"}), expected, "ring");
  expect_near(inferred("sage", 4, Cuda{&device()}, {.plan = "tensor"}), expected, "tensor");
}

TEST_F(InferenceAgrees, InFp32UnlessCublasLtIsThere) {
  EXPECT_THROW(set_product_precision(Cpu{}, ProductPrecision::tf32), InputError);
  EXPECT_NO_THROW(set_product_precision(Cpu{}, ProductPrecision::fp32));
  EXPECT_NO_THROW(set_product_precision(Cuda{&device()}, ProductPrecision::fp32));
}

}  // namespace
}  // namespace kith::test
