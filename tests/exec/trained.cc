#include "exec/trained.h"

#include <cmath>

#include <gtest/gtest.h>

#include "kith/datasets/partition_store.h"
#include "kith/exec/evaluation.h"
#include "kith/exec/trainer.h"

namespace kith::test {

PartitionedStore cut(const std::filesystem::path& folder, const std::string& method, int k) {
  const auto parts = folder / (method + "-" + std::to_string(k));
  if (!std::filesystem::exists(parts))
    partition_store(Store::open(folder / "store"), parts, {.k = k, .method = method, .seed = 3});
  return PartitionedStore::open(parts);
}

const RandomStore& training_graph() {
  static const RandomStore store(
      {.nodes = 240, .degree = 6, .self_loops = true, .cols = 12, .train_stride = 3, .all_splits = true});
  return store;
}

Training full_graph_training(const std::string& model, const std::string& schedule) {
  Training training;
  training.options.epochs = 10;
  training.options.seed = 5;
  training.options.optimiser = {.name = "adam", .lr = 0.02, .weight_decay = 5e-4};
  training.options.protocol.schedule = schedule;
  training.options.model_name = model;
  training.model = {.name = model, .layers = 3, .hidden = 8, .heads = 2, .output_heads = 2, .dropout = 0.4};
  return training;
}

Training mini_batch_training(const std::string& model) {
  Training training = full_graph_training(model);
  training.options.regime = Regime::mini_batch;
  training.options.epochs = 4;
  training.options.fanouts = {4, 3, 2};
  training.options.batch_size = 40;
  training.options.cache = "vip:10%";
  return training;
}

namespace {

struct Result {
  Trained trained;
  std::vector<float> moment;  ///< the optimiser's first
};

Result run(Communicator& comm, const PartitionedStore& parts, const Training& training) {
  const TrainOptions& options = training.options;
  Ledger ledger;
  const Ownership ownership(parts, comm.size());
  const OwnedData owned(parts, ownership, comm.rank());
  ModelOptions shape = training.model;
  shape.in = parts.meta().store.features;
  shape.classes = parts.meta().store.classes;
  Parameters parameters(options.seed);
  const auto model = make_model(parameters, shape);
  TrainingState state(parameters, options.optimiser);
  move_to(options.on, parameters, state.optimiser);
  LocalGraph graph({comm, ledger, ownership, owned, options.on}, model->self_edges(), options.protocol);
  if (options.regime == Regime::full_graph && model->sums_input()) graph.sum_input();
  const Matrix features = graph.fetch_features(options.on);
  const TrainingContext context{comm, ledger, options, parts, ownership, owned, *model, parameters, state};
  const auto trainer = options.regime == Regime::full_graph ? full_graph_trainer(context, graph, features)
                                                            : mini_batch_trainer(context);
  Result result;
  for (; state.epoch < options.epochs; ++state.epoch) {
    result.trained.losses.push_back(trainer->run_epoch());
    if (const HaloMeasurement* measured = trainer->measured())
      result.trained.measurements.push_back(*measured);
  }
  const Array<float> weights = weights_of(parameters);
  const auto moment = host_copy_of(std::as_const(state.optimiser.moments().front().values).span());
  result.trained.weights.assign(weights.begin(), weights.end());
  result.moment.assign(moment.begin(), moment.end());
  result.trained.halo_bytes = ledger.total("halo.bytes");
  result.trained.ledger = ledger.entries();
  result.trained.evaluation = evaluate(options.on, comm, *model, graph, features, owned);
  return result;
}

}  // namespace

Trained trained(Communicator& comm, const PartitionedStore& parts, const Training& training) {
  // At rate 0 and momentum 1 the weights stand still and the momentum is the sum of the gradients.
  Training standing = training;
  standing.options.epochs = 1;
  standing.options.optimiser = {.name = "sgd", .lr = 0, .momentum = 1};
  Trained result = run(comm, parts, training).trained;
  result.first_gradient = run(comm, parts, standing).moment;
  return result;
}

Trained trained_on_threads(int ranks, const PartitionedStore& parts, const Training& training,
                           const Faults& faults) {
  Trained result;
  std::vector<std::vector<float>> weights(static_cast<std::size_t>(ranks));
  run_thread_ranks(
      ranks,
      [&](Communicator& comm) {
        Trained own = trained(comm, parts, training);
        weights[static_cast<std::size_t>(comm.rank().value())] = own.weights;
        if (comm.rank() == Rank{0}) result = std::move(own);
      },
      faults);
  for (const auto& own : weights) EXPECT_EQ(own, result.weights) << "ranks must hold the same weights";
  return result;
}

double relative_distance(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double distance = 0, norm = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    distance += std::pow(static_cast<double>(a[i]) - b[i], 2);
    norm += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(distance / norm);
}

double largest_relative_difference(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, std::abs(a[i] - b[i]) / std::abs(b[i]));
  return largest;
}

}  // namespace kith::test
