// The judge of all: what the float64 NumPy implementation of tests/oracle gave on a small graph must come out
// here.
#include <bit>

#include "exec/trained.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "kith/core/file.h"
#include "kith/kernels/attention.h"
#include "kith/kernels/dense.h"
#include "kith/sampler/neighbour_sampler.h"

namespace kith::test {
namespace {

using Json = nlohmann::json;

const Json& goldens() {
  static const Json json =
      Json::parse(read_text_file(std::filesystem::path(KITH_SOURCE_DIR) / "tests/oracle/goldens.json"));
  return json;
}

/// The oracle's graph as a store, and as parts of it.
class OracleGraph {
 public:
  OracleGraph() {
    const Json& graph = goldens().at("graph");
    for (const Json& row : graph.at("rows")) {
      for (const std::int32_t u : row) indices_.push_back(u);
      indptr_.push_back(static_cast<std::int64_t>(indices_.size()));
    }
    for (const Json& row : graph.at("features_64"))
      for (const int value : row) features_.push_back(static_cast<float>(value) / 64);
    labels_ = graph.at("labels").get<std::vector<std::int64_t>>();
    train_ = graph.at("train").get<std::vector<std::int64_t>>();
    const auto nodes = static_cast<std::int64_t>(labels_.size());
    StoreArrays arrays;
    arrays.graph = {indptr_, std::span<const std::int32_t>(indices_)};
    arrays.features = {reinterpret_cast<const std::byte*>(features_.data()),
                       DType::f32,
                       nodes,
                       static_cast<std::int64_t>(features_.size()) / nodes,
                       {}};
    arrays.labels = {.classes = labels_, .count = graph.at("classes")};
    arrays.train = train_;
    write_store(folder_.path() / "store", arrays, {.name = "oracle", .directed = true});
  }
  /// Cut at random into k parts.
  PartitionedStore parts(int k) const { return cut(folder_.path(), "random", k); }

 private:
  TemporaryFolder folder_;
  std::vector<std::int64_t> indptr_{0}, labels_, train_;
  std::vector<std::int32_t> indices_;
  std::vector<float> features_;
};

const OracleGraph& graph() {
  static const OracleGraph one;
  return one;
}

PhiloxKey key_in(const Json& json) { return {json.at(0), json.at(1)}; }

TEST(Oracle, PhiloxWords) {
  for (const Json& golden : goldens().at("philox"))
    EXPECT_EQ(philox4x32_10(golden.at("counter").get<PhiloxWords>(), key_in(golden.at("key"))),
              golden.at("words").get<PhiloxWords>());
}

TEST(Oracle, KeysOfSeedStreamAndLayer) {
  for (const Json& golden : goldens().at("keys")) {
    const auto stream = static_cast<Stream>(golden.at("stream").get<std::uint32_t>());
    EXPECT_EQ(philox_key(golden.at("seed"), stream, golden.at("layer")), key_in(golden.at("key"))) << golden;
  }
}

std::vector<StoreId> ids_in(const Json& json) {
  std::vector<StoreId> ids;
  for (const std::int64_t id : json) ids.push_back(StoreId{id});
  return ids;
}

TEST(Oracle, DropoutMasks) {
  for (const Json& golden : goldens().at("dropout")) {
    const std::vector<StoreId> ids = ids_in(golden.at("ids"));
    const RowDropout mask{.p = golden.at("p"),
                          .key = philox_key(golden.at("seed"), Stream::dropout, golden.at("number")),
                          .step = golden.at("step"),
                          .rows = ids};
    const Matrix ones(static_cast<std::int64_t>(ids.size()), golden.at("cols"), 1.0f);
    Matrix y(ones.rows(), ones.cols());
    dropout(Cpu{}, mask, ones, 0, y);
    for (std::int64_t i = 0; i < y.rows(); ++i)
      for (std::int64_t j = 0; j < y.cols(); ++j) {
        const bool kept = golden.at("kept")[static_cast<std::size_t>(i)].get<std::string>()[j] == '1';
        EXPECT_EQ(y(i, j), kept ? 1 / (1 - mask.p) : 0) << golden << i << ", " << j;
      }
  }
}

TEST(Oracle, DropoutMasksOfEdgesAreThoseOfRows) {
  for (const Json& golden : goldens().at("dropout")) {
    const std::vector<StoreId> ids = ids_in(golden.at("ids"));
    const std::int64_t cols = golden.at("cols");
    // One head of `cols` edges per destination.
    std::vector<std::int64_t> indptr{0};
    for (std::size_t i = 0; i < ids.size(); ++i) indptr.push_back(indptr.back() + cols);
    const std::vector<std::int32_t> indices(static_cast<std::size_t>(indptr.back()), 0);
    std::vector<float> values(indices.size(), 1.0f);
    const EdgeDropout mask{.p = golden.at("p"),
                           .key = philox_key(golden.at("seed"), Stream::dropout, golden.at("number")),
                           .step = golden.at("step"),
                           .destinations = ids};
    edge_dropout(Cpu{}, {indptr, indices}, {}, 1, mask, values);
    std::string kept;
    for (const Json& row : golden.at("kept")) kept += row.get<std::string>();
    for (std::size_t e = 0; e < values.size(); ++e) EXPECT_EQ(values[e] > 0, kept[e] == '1') << golden << e;
  }
}

/// The block of a hop in store ids.
std::vector<std::vector<std::int64_t>> rows_of(const Block& block, const Array<StoreId>& ids) {
  std::vector<std::vector<std::int64_t>> rows;
  for (std::int64_t i = 0; i < block.destinations(); ++i) {
    rows.emplace_back();
    for (const std::int32_t u : block.csr.view().row(i)) rows.back().push_back(ids[u].value());
  }
  return rows;
}

TEST(Oracle, BatchesAndSampledBlocks) {
  const Json& golden = goldens().at("sampler");
  const PartitionedStore parts = graph().parts(3);
  const std::vector<std::int64_t> store_ids = store_ids_of(parts);
  const auto topology = replicated_topology(parts);
  for (const Json& expected : golden.at("batches")) {
    const SamplerOptions options{.fanouts = golden.at("fanouts"),
                                 .batch_size = golden.at("batch_size"),
                                 .exclude_self = expected.at("exclude_self"),
                                 .seed = golden.at("seed")};
    BatchSchedule schedule(parts, options);
    const std::int64_t step = expected.at("step"), epoch = expected.at("epoch");
    const auto seeds = schedule.seeds(epoch, step % schedule.batches_per_epoch());
    NeighbourSampler sampler(*topology, options, static_cast<std::int64_t>(store_ids.size()));
    const Batch batch = sampler.sample(seeds, epoch, step);
    std::vector<std::int64_t> nodes;
    for (const StoreId id : batch.store_ids) nodes.push_back(id.value());
    EXPECT_EQ(nodes, expected.at("nodes").get<std::vector<std::int64_t>>()) << "step " << step;
    ASSERT_EQ(batch.seeds(), std::ssize(expected.at("seeds")));
    for (std::size_t hop = 0; hop < batch.blocks.size(); ++hop)
      EXPECT_EQ(Json(rows_of(batch.blocks[batch.blocks.size() - 1 - hop], batch.store_ids)),
                expected.at("hops")[hop])
          << "step " << step << ", hop " << hop;
  }
}

Training training_in(const Json& golden) {
  const Json& shape = golden.at("shape");
  Training training;
  training.options.epochs = 3;
  training.options.seed = shape.at("seed");
  training.options.optimiser = {
      .name = "adam", .lr = shape.at("lr"), .weight_decay = shape.at("weight_decay")};
  training.options.fanouts = golden.at("fanouts").get<std::vector<std::int64_t>>();
  training.options.batch_size = golden.at("batch_size");
  training.model = {.name = shape.at("model"),
                    .layers = shape.at("layers"),
                    .hidden = shape.at("hidden"),
                    .heads = shape.at("heads"),
                    .output_heads = shape.at("output_heads"),
                    .dropout = shape.at("dropout")};
  return training;
}

TEST(Oracle, InitialWeights) {
  for (const Json& golden : goldens().at("models")) {
    const Training training = training_in(golden);
    Parameters parameters(training.options.seed);
    ModelOptions shape = training.model;
    shape.in = golden.at("shape").at("in");
    shape.classes = golden.at("shape").at("classes");
    const auto model = make_model(parameters, shape);
    std::vector<std::uint32_t> bits;
    for (const float weight : weights_of(parameters)) bits.push_back(std::bit_cast<std::uint32_t>(weight));
    EXPECT_EQ(bits, golden.at("initial_bits").get<std::vector<std::uint32_t>>()) << shape.name;
  }
}

void expect_losses_and_gradient(const Json& golden, Regime regime) {
  Training training = training_in(golden);
  training.options.regime = regime;
  const Json& expected = golden.at(regime == Regime::full_graph ? "full_graph" : "mini_batch");
  for (const int ranks : {1, 2, 3}) {
    const Trained result = trained_on_threads(ranks, graph().parts(ranks), training);
    EXPECT_LT(largest_relative_difference(result.losses, expected.at("losses").get<std::vector<double>>()),
              1e-5)
        << training.model.name << " on " << ranks;
    EXPECT_LT(
        relative_distance(result.first_gradient, expected.at("first_gradient").get<std::vector<float>>()),
        1e-4)
        << training.model.name << " on " << ranks;
  }
}

TEST(Oracle, FullGraphLossesAndFirstGradients) {
  for (const Json& golden : goldens().at("models")) expect_losses_and_gradient(golden, Regime::full_graph);
}

TEST(Oracle, MiniBatchLossesAndFirstGradients) {
  for (const Json& golden : goldens().at("models")) expect_losses_and_gradient(golden, Regime::mini_batch);
}

}  // namespace
}  // namespace kith::test
