// What cannot be trained on is refused before work starts.
#include "exec/trained.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/exec/train.h"

namespace kith::test {
namespace {

/// What training on a store throws.
std::string refusal(const PartitionedStore& parts, const Training& training, int ranks = 1) {
  const TemporaryFolder folder;
  const auto make = [&](Parameters& parameters, std::int64_t in, std::int64_t classes) {
    ModelOptions shape = training.model;
    shape.in = in;
    shape.classes = classes;
    return make_model(parameters, shape);
  };
  try {
    run_thread_ranks(ranks, [&](Communicator& comm) {
      train(comm, parts, folder.path() / "run", training.options, make);
    });
  } catch (const InputError& error) {
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "run")) << "nothing is left behind";
    return error.what();
  }
  return "";
}

/// A path graph of 6 nodes with what is asked for.
PartitionedStore path_graph(const TemporaryFolder& folder, bool features, bool labels, bool train) {
  static const std::vector<std::int64_t> indptr{0, 1, 3, 5, 7, 9, 10};
  static const std::vector<std::int32_t> indices{1, 0, 2, 1, 3, 2, 4, 3, 5, 4};
  static const std::vector<float> values(18, 0.5f);
  static const std::vector<std::int64_t> classes{0, 1, 0, 1, 0, 1}, train_nodes{0, 3};
  StoreArrays arrays;
  arrays.graph = {indptr, std::span<const std::int32_t>(indices)};
  if (features) arrays.features = {reinterpret_cast<const std::byte*>(values.data()), DType::f32, 6, 3, {}};
  if (labels) arrays.labels = {.classes = classes, .count = 2};
  if (train) arrays.train = train_nodes;
  write_store(folder.path() / "store", arrays, {.name = "path"});
  return PartitionedStore::whole(Store::open(folder.path() / "store"));
}

TEST(Refusals, AStoreWithoutFeaturesLabelsOrTrainNodes) {
  const Training training = full_graph_training("gcn");
  EXPECT_NE(refusal(path_graph(TemporaryFolder(), false, true, true), training).find("features"),
            std::string::npos);
  EXPECT_NE(refusal(path_graph(TemporaryFolder(), true, false, false), training).find("labels"),
            std::string::npos);
  for (const Training& each : {full_graph_training("gcn"), mini_batch_training("gcn")})
    EXPECT_NE(refusal(path_graph(TemporaryFolder(), true, true, false), each).find("train"),
              std::string::npos);
}

TEST(Refusals, MoreRanksThanPartsNameTheCommandThatMakesMore) {
  const RandomStore store({.nodes = 60, .parts = 2});
  EXPECT_NE(refusal(store.open(), full_graph_training("sage"), 3).find("kith partition"), std::string::npos);
}

TEST(Refusals, AModelThatIsNotKnownNamesTheNearest) {
  Parameters parameters(0);
  try {
    make_model(parameters, {.name = "sagee", .in = 3, .classes = 2});
    FAIL() << "must be refused";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("\"sage\""), std::string::npos) << error.what();
  }
}

TEST(Refusals, OneFanoutForEveryLayer) {
  const RandomStore store({.nodes = 60});
  Training training = mini_batch_training("sage");
  training.options.fanouts = {4, 3};
  EXPECT_THROW(trained_on_threads(1, store.open(), training), Error);
}

}  // namespace
}  // namespace kith::test
