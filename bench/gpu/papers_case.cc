// The batches of an epoch as the mini-batch trainer has them, but of a graph that no host's memory holds: a
// thread draws them and gathers their rows, on a stream of its own, and the caller's trains on them.
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <numeric>
#include <thread>

#include "kith/bench/gpu/cases.h"
#include "kith/bench/gpu/papers_graph.h"
#include "kith/exec/batch_graphs.h"
#include "kith/exec/model.h"
#include "kith/exec/optimiser.h"
#include "kith/exec/tape.h"
#include "kith/kernels/loss.h"
#include "kith/kernels/rows.h"
#include "kith/sampler/cuda/cuda_sampler.h"

namespace kith::bench {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Rows, columns and features of a node, and 4 bytes of the sampler's table.
double bytes_per_node(const PapersShape& shape) {
  return 16 + 4 * shape.degree + 2 * static_cast<double>(shape.features) + 4;
}

/// Batches ahead of the training: an exception of their thread is thrown by next().
class Ahead {
 public:
  Ahead(CudaDevice& device, const DeviceGraph& graph, const PapersShape& shape, std::int64_t batches)
      : device_(device),
        graph_(graph),
        shape_(shape),
        sampler_(cuda::sampler(device, {graph.rows.data(), graph.columns.data()}, shape.nodes)),
        thread_([this, batches] { make(batches); }) {}
  ~Ahead() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Batch next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !ready_.empty() || failure_; });
    if (ready_.empty()) std::rethrow_exception(failure_);
    Batch batch = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    return batch;
  }
  /// Of the thread, once all batches were taken.
  double sampling_seconds() const { return sampling_seconds_; }
  double gathering_seconds() const { return gathering_seconds_; }

 private:
  static constexpr std::size_t kDepth = 2;

  void make(std::int64_t batches) {
    try {
      device_.use();
      const CudaSideStream beside(device_);
      for (std::int64_t step = 0; step < batches; ++step) {
        Batch batch = batch_of(step);
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return ready_.size() < kDepth || stopped_; });
        if (stopped_) return;
        ready_.push_back(std::move(batch));
        changed_.notify_all();
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      changed_.notify_all();
    }
  }

  /// Train nodes are the graph's first, in an order that does not repeat.
  Batch batch_of(std::int64_t step) {
    const auto begin = Clock::now();
    std::vector<GlobalId> seeds;
    const std::int64_t first = step * shape_.batch, end = std::min(first + shape_.batch, shape_.train_nodes);
    for (std::int64_t i = first; i < end; ++i) seeds.emplace_back(i * (shape_.nodes / shape_.train_nodes));
    std::vector<HopRequest> hops;
    for (const std::int64_t fanout : {15, 10, 5})
      hops.push_back({.fanout = fanout,
                      .key = philox_key(1, Stream::sampling, hops.size()),
                      .step = static_cast<std::uint32_t>(step)});
    Batch batch = sampler_->sample(seeds, hops, true);
    sampling_seconds_ += seconds_since(begin);
    const auto sampled = Clock::now();
    batch.global_seeds = batch.seeds();
    batch.features = rows_of(batch);
    batch.labels = Array<std::int64_t>(seeds.size());
    for (std::size_t i = 0; i < seeds.size(); ++i) batch.labels[i] = seeds[i].value() % shape_.classes;
    gathering_seconds_ += seconds_since(sampled);
    return batch;
  }

  Matrix rows_of(const Batch& batch) {
    const UseMemory there(&device_);
    const std::int64_t row_bytes = 2 * shape_.features;
    const std::span<const std::int64_t> rows(reinterpret_cast<const std::int64_t*>(batch.nodes.data()),
                                             batch.nodes.size());
    const Buffer stored(batch.nodes.size() * static_cast<std::size_t>(row_bytes));
    gather_bytes(Cuda{&device_}, reinterpret_cast<const std::byte*>(graph_.features.data()), row_bytes, rows,
                 const_cast<std::byte*>(stored.data()));
    Matrix features(batch.nodes.ssize(), shape_.features);
    decode_rows(Cuda{&device_}, stored.data(), DType::bf16, {}, features);
    device_.synchronise("gather a batch's rows");
    return features;
  }

  CudaDevice& device_;
  const DeviceGraph& graph_;
  PapersShape shape_;
  std::unique_ptr<DeviceSampler> sampler_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> ready_;
  std::exception_ptr failure_;
  bool stopped_ = false;
  double sampling_seconds_ = 0, gathering_seconds_ = 0;
  std::thread thread_;  ///< the last: it uses the others
};

/// GraphSAGE of three layers and Adam, on the device.
class Learner {
 public:
  Learner(CudaDevice& device, const PapersShape& shape)
      : device_(device),
        parameters_(1),
        model_(make_model(parameters_, {.name = "sage",
                                        .in = shape.features,
                                        .classes = shape.classes,
                                        .layers = 3,
                                        .hidden = shape.hidden,
                                        .dropout = 0.5})),
        optimiser_(parameters_, {.name = "adam", .lr = 0.003}),
        gradients_([&] {
          const UseMemory there(&device);
          return ParameterGradients(parameters_);
        }()) {
    move_to(Cuda{&device}, parameters_, optimiser_);
  }

  /// The mean loss of the batch.
  double step(Batch& batch, std::int64_t number) {
    const Backend on = Cuda{&device_};
    const BatchGraphs graphs(batch, model_->self_edges(), 1, on);
    Tape tape({.on = on, .mode = Mode::training, .seed = 1, .step = static_cast<std::uint32_t>(number)});
    const UseMemory there(&device_);
    const Var logits = model_->forward(tape, graphs.layers(), tape.constant(batch.features));
    std::vector<std::int32_t> rows(static_cast<std::size_t>(batch.seeds()));
    std::iota(rows.begin(), rows.end(), 0);
    Matrix dlogits(logits.rows(), logits.cols());
    const double loss = softmax_cross_entropy(on, logits.value(), batch.labels.span(), rows,
                                              1.0f / static_cast<float>(rows.size()), dlogits);
    std::move(tape).backward(logits, std::move(dlogits), gradients_);
    optimiser_.step(on, parameters_, gradients_);
    return loss;
  }

 private:
  CudaDevice& device_;
  Parameters parameters_;
  std::unique_ptr<Model> model_;
  Optimiser optimiser_;
  ParameterGradients gradients_;
};

}  // namespace

Json papers_case(CudaDevice& device, PapersShape shape) {
  // A tenth is left for the batches.
  const double room = 0.9 * static_cast<double>(device.free_bytes());
  shape.nodes = std::min(shape.nodes, static_cast<std::int64_t>(room / bytes_per_node(shape)));
  shape.train_nodes = std::min(shape.train_nodes, shape.nodes);
  const auto made_from = Clock::now();
  const DeviceGraph graph = make_device_graph(device, shape.nodes, shape.degree, shape.features);
  const double making = seconds_since(made_from);
  const std::int64_t whole = (shape.train_nodes + shape.batch - 1) / shape.batch;
  const std::int64_t batches = std::min(whole, shape.most_batches),
                     first = std::min<std::int64_t>(batches, 8);
  Learner learner(device, shape);
  Ahead ahead(device, graph, shape, batches);
  double loss = 0, nodes = 0, edges = 0;
  auto begin = Clock::now();
  for (std::int64_t step = 0; step < batches; ++step) {
    // The first ones make what is kept: pools, plans, the choice of algorithms.
    if (step == first && batches > first) begin = Clock::now();
    Batch batch = ahead.next();
    nodes += static_cast<double>(batch.nodes.ssize());
    for (const Block& block : batch.blocks) edges += static_cast<double>(block.csr.m());
    loss = learner.step(batch, step);
  }
  device.synchronise("end an epoch");
  const auto timed = static_cast<double>(batches > first ? batches - first : batches);
  const double seconds = seconds_since(begin) / timed, all = static_cast<double>(batches);
  return {{"nodes", shape.nodes},
          {"edges", graph.columns.ssize()},
          {"features", shape.features},
          {"feature_type", "bf16"},
          {"train_nodes", shape.train_nodes},
          {"seconds_to_make_the_graph", making},
          {"batches", batches},
          {"batches_an_epoch", whole},
          {"nodes_per_batch", nodes / all},
          {"edges_per_batch", edges / all},
          {"milliseconds_per_batch", seconds * 1e3},
          {"sampling_milliseconds_per_batch", ahead.sampling_seconds() / all * 1e3},
          {"gathering_milliseconds_per_batch", ahead.gathering_seconds() / all * 1e3},
          {"epoch_seconds", seconds * static_cast<double>(whole)},
          {"last_loss", loss},
          {"peak_bytes", device.memory_use().peak_bytes}};
}

}  // namespace kith::bench
