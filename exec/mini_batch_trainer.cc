#include <algorithm>
#include <numeric>

#include "kith/core/trace.h"
#include "kith/exec/batch_graphs.h"
#include "kith/exec/trainer.h"
#include "kith/sampler/cache.h"
#include "kith/sampler/pipeline.h"
#include "kith/sampler/topology_choice.h"

namespace kith {
namespace {

SamplerOptions sampler_options(const TrainingContext& context) {
  const TrainOptions& options = context.options;
  return {.fanouts = options.fanouts,
          .batch_size = options.batch_size,
          .replace = options.replace,
          .exclude_self = context.model.self_edges() != SelfEdges::as_stored,
          .seed = options.seed};
}

/// A device draws from packed rows, which are made for it when it is asked for by name.
RowStorage row_storage(const TrainOptions& options) {
  return options.sample_on == "device" ? RowStorage::packed : RowStorage::automatic;
}

/// With the backend that draws.
SamplerOptions placed_options(const TrainingContext& context, Topology& topology) {
  SamplerOptions options = sampler_options(context);
  const std::string& where = context.options.sample_on;
  const bool has_device = memory_of(context.options.on) != nullptr;
  if (where == "device" && !has_device)
    throw InputError("sample-on device: this run computes on a CPU; use it with --device cuda");
  if (where == "host" || !has_device) return options;
  if (where == "device" || samples_on_devices(options, topology.packed_rows(options.exclude_self)))
    options.on = context.options.on;
  return options;
}

CacheContext cache_context(const TrainingContext& context) {
  return {.parts = context.parts,
          .ownership = context.ownership,
          .rank = context.comm.rank(),
          .fanouts = context.options.fanouts,
          .batch_size = context.options.batch_size};
}

Array<GlobalId> cached_nodes(const TrainingContext& context) {
  PhaseTimer timer(context.ledger, "cache_choice");
  const CacheSpec spec = parse_cache_spec(context.options.cache);
  const std::int64_t rows = cache_rows(spec, context.parts.meta().store.nodes, context.comm.size(),
                                       context.owned.feature_row_bytes());
  return rank_remote_nodes(spec.policy, cache_context(context), rows);
}

/// Null on a CPU.
std::unique_ptr<DeviceFeatures> placed_features(const TrainingContext& context, Communicator& comm,
                                                FeatureStore& store) {
  const Backend& on = context.options.on;
  if (memory_of(on) == nullptr) return nullptr;
  PhaseTimer timer(context.ledger, "device_cache");
  const Array<GlobalId> hot =
      hot_nodes(on, context.options.device_cache, cache_context(context), store.cols());
  return device_features(on, {comm, context.ledger, store, context.ownership.nodes()}, hot);
}

class MiniBatchTrainer final : public Trainer {
 public:
  explicit MiniBatchTrainer(const TrainingContext& context)
      : context_(context),
        fetch_comm_(context.comm.duplicate()),
        topology_comm_(context.comm.duplicate()),
        topology_(make_topology(context.options.topology, *topology_comm_, context.ledger, context.parts,
                                context.ownership, row_storage(context.options))),
        schedule_(context.parts, sampler_options(context)),
        sampler_(*topology_, placed_options(context, *topology_), context.parts.meta().store.nodes),
        features_(*fetch_comm_, context.ledger, context.owned, context.ownership, cached_nodes(context)),
        device_features_(placed_features(context, *fetch_comm_, features_)),
        stepper_(context) {
    if (context.model.sums_over_ranks() && context.comm.size() > 1)
      throw InputError(
          "norm batch: mini-batches on several ranks have no common statistics; norm=batch-approx takes each "
          "rank's own, norm=layer needs none");
    require(static_cast<int>(context.options.fanouts.size()) == context.model.layers(),
            "one fanout for every layer of the model",
            {{"fanouts", context.options.fanouts.size()}, {"layers", context.model.layers()}});
  }

  std::int64_t steps_per_epoch() const override { return schedule_.batches_per_epoch(); }

  double run_epoch() override {
    if (!pipeline_) start_pipeline();
    double sum = partial_loss();
    std::int64_t done = context_.state.step % steps_per_epoch();
    for (; done < steps_per_epoch() && !stops_after(done); ++done) sum += run_step();
    context_.state.partial_loss.clear();
    if (done < steps_per_epoch())
      context_.state.partial_loss = all_gather(context_.comm, sum, "training loss");
    const double total = all_reduce_sum(context_.comm, sum, "training loss");
    return total / static_cast<double>(std::min(schedule_.train_nodes(), done * context_.options.batch_size));
  }

 private:
  /// This rank's share of what an interrupted run had summed up; all of it is rank 0's when the number of
  /// ranks has changed.
  double partial_loss() const {
    const std::vector<double>& saved = context_.state.partial_loss;
    const auto rank = static_cast<std::size_t>(context_.comm.rank().value());
    if (static_cast<int>(saved.size()) == context_.comm.size()) return saved[rank];
    return rank == 0 ? std::accumulate(saved.begin(), saved.end(), 0.0) : 0.0;
  }

  /// Votes are messages, so not every step has one.
  bool stops_after(std::int64_t steps) const {
    constexpr std::int64_t kStepsPerVote = 4;
    const bool votes = context_.stop != nullptr && steps > 0 && steps % kStepsPerVote == 0;
    return votes && context_.stop->ask();
  }

  void start_pipeline() {
    const PipelineOptions options{.depth = context_.options.prefetch,
                                  .first_step = context_.state.step,
                                  .end_step = context_.options.epochs * steps_per_epoch(),
                                  .on = context_.options.on,
                                  .device_features = device_features_.get()};
    pipeline_ = std::make_unique<BatchPipeline>(schedule_, sampler_, features_, context_.owned,
                                                context_.ledger, options);
  }

  /// This rank's share of the step's loss, summed over seeds.
  double run_step() {
    const TrainingState& state = context_.state;
    const TraceSpan span(context_.ledger.trace(), "step", {.epoch = state.epoch + 1, .step = state.step + 1});
    Batch batch = pipeline_->next();
    const Backend& on = context_.options.on;
    const BatchGraphs graphs(batch, context_.model.self_edges(), context_.comm.size(), on);
    const Mirror features = mirrored(on, std::as_const(batch.features).span());
    Tape tape = stepper_.make_tape();
    Var logits;
    {
      PhaseTimer timer(context_.ledger, "forward");
      const UseMemory there(memory_of(on));
      logits = context_.model.forward(tape, graphs.layers(), tape.constant(batch.features));
    }
    std::vector<std::int32_t> rows(static_cast<std::size_t>(batch.seeds()));
    std::iota(rows.begin(), rows.end(), 0);
    const LabelView labels{batch.labels.span(), batch.multi_labels.span(), context_.owned.classes};
    const double share =
        stepper_.step(std::move(tape), logits, labels, rows, batch.global_seeds,
                      static_cast<double>(context_.state.step) / static_cast<double>(steps_per_epoch()));
    return share * static_cast<double>(batch.global_seeds);
  }

  TrainingContext context_;
  std::unique_ptr<Communicator> fetch_comm_;
  std::unique_ptr<Communicator> topology_comm_;
  std::unique_ptr<Topology> topology_;
  BatchSchedule schedule_;
  NeighbourSampler sampler_;
  FeatureStore features_;
  std::unique_ptr<DeviceFeatures> device_features_;
  Stepper stepper_;
  std::unique_ptr<BatchPipeline> pipeline_;
};

}  // namespace

std::unique_ptr<Trainer> mini_batch_trainer(const TrainingContext& context) {
  return std::make_unique<MiniBatchTrainer>(context);
}

}  // namespace kith
