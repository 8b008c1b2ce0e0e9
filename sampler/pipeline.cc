// The background thread may be at most `depth` batches ahead of the calls of `next`. Fetching is collective,
// so a pipeline that is destroyed early must still take part in every fetch (and round of sampling) its peers
// may have begun: ranks that consumed equally many batches have the same last step to serve, and the rest of
// the way is served without own wishes.
#include "kith/sampler/pipeline.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "kith/core/error.h"
#include "kith/core/trace.h"

namespace kith {

struct BatchPipeline::State {
  BatchSchedule& schedule;
  NeighbourSampler& sampler;
  FeatureStore& features;
  const OwnedData& owned;
  Ledger& ledger;
  PipelineOptions options;

  std::int64_t next_step = options.first_step;  ///< the next that `next` returns

  std::mutex mutex{};
  std::condition_variable changed{};
  std::deque<Batch> ready{};
  bool stopping = false;
  std::exception_ptr failure{};
  std::thread thread{};

  Batch make(std::int64_t step);
  Matrix fetched(std::span<const GlobalId> nodes);
  void attach_labels(Batch& batch) const;
  std::int64_t allowed_end() const { return std::min(options.end_step, next_step + options.depth); }
  void run();
  void run_ahead();
};

Batch BatchPipeline::State::make(std::int64_t step) {
  const std::int64_t epoch = step / schedule.batches_per_epoch();
  const TraceSpan span(ledger.trace(), "batch", {.epoch = epoch + 1, .step = step + 1});
  PhaseTimer sampling(ledger, "sample");
  const std::span<const GlobalId> all = schedule.seeds(epoch, step % schedule.batches_per_epoch());
  std::vector<GlobalId> own;
  for (const GlobalId seed : all)
    if (seed.value() >= owned.first && seed.value() < owned.first + owned.nodes) own.push_back(seed);
  Batch batch = sampler.sample(own, epoch, step);
  batch.global_seeds = static_cast<std::int64_t>(all.size());
  attach_labels(batch);
  sampling.stop();
  PhaseTimer fetching(ledger, "fetch",
                      batch.nodes.ssize() * features.cols() * static_cast<std::int64_t>(sizeof(float)));
  batch.features = fetched(batch.nodes);
  return batch;
}

Matrix BatchPipeline::State::fetched(std::span<const GlobalId> nodes) {
  if (options.device_features != nullptr) return options.device_features->fetch(nodes);
  Matrix rows(std::ssize(nodes), features.cols());
  features.fetch(nodes, rows);
  return rows;
}

void BatchPipeline::State::attach_labels(Batch& batch) const {
  const std::int64_t seeds = batch.seeds();
  const std::int64_t classes = owned.multi_labels.empty() ? 0 : owned.classes;
  batch.labels = Array<std::int64_t>(owned.labels.empty() ? 0 : static_cast<std::size_t>(seeds));
  batch.multi_labels = Array<float>(static_cast<std::size_t>(seeds * classes));
  for (std::int64_t i = 0; i < seeds; ++i) {
    const std::int64_t row = batch.nodes[i].value() - owned.first;
    if (!owned.labels.empty()) batch.labels[i] = owned.labels[row];
    for (std::int64_t c = 0; c < classes; ++c)
      batch.multi_labels[i * classes + c] = owned.multi_labels[row * classes + c];
  }
}

void BatchPipeline::State::run() {
  try {
    if (Trace* trace = ledger.trace()) trace->name_thread("prefetch thread");
    const SideStream beside = side_stream(options.on);
    run_ahead();
  } catch (...) {
    std::lock_guard lock(mutex);
    failure = std::current_exception();
    changed.notify_all();
  }
}

void BatchPipeline::State::run_ahead() {
  for (std::int64_t step = options.first_step; step < options.end_step; ++step) {
    bool wanted = true;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return stopping || step < allowed_end(); });
      if (step >= allowed_end()) return;
      wanted = !stopping;
    }
    if (!wanted) {
      sampler.sample({}, step / schedule.batches_per_epoch(), step);  // a partitioned topology's rounds
      features.fetch({}, Tensor(nullptr, 0, features.cols()));
      continue;
    }
    Batch batch = make(step);
    std::lock_guard lock(mutex);
    ready.push_back(std::move(batch));
    changed.notify_all();
  }
}

BatchPipeline::BatchPipeline(BatchSchedule& schedule, NeighbourSampler& sampler, FeatureStore& features,
                             const OwnedData& owned, Ledger& ledger, const PipelineOptions& options)
    : state_(new State{schedule, sampler, features, owned, ledger, options}) {
  require(options.depth >= 0, "a pipeline's depth is not negative", {{"depth", options.depth}});
  require(
      options.first_step >= 0 && (options.end_step <= options.first_step || schedule.batches_per_epoch() > 0),
      "a pipeline has steps to make", {{"first step", options.first_step}, {"end step", options.end_step}});
  if (options.depth > 0) state_->thread = std::thread([state = state_.get()] { state->run(); });
}

BatchPipeline::~BatchPipeline() {
  if (!state_->thread.joinable()) return;
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->changed.notify_all();
  }
  state_->thread.join();
}

Batch BatchPipeline::next() {
  State& s = *state_;
  require(s.next_step < s.options.end_step, "a pipeline has no batch behind its last step",
          {{"end step", s.options.end_step}});
  PhaseTimer waiting(s.ledger, "batch_wait");
  if (s.options.depth == 0) return s.make(s.next_step++);
  std::unique_lock lock(s.mutex);
  s.changed.wait(lock, [&] { return !s.ready.empty() || s.failure; });
  if (s.ready.empty()) std::rethrow_exception(s.failure);
  Batch batch = std::move(s.ready.front());
  s.ready.pop_front();
  ++s.next_step;
  s.changed.notify_all();
  return batch;
}

}  // namespace kith
