// The life of a run: load, resume, then epochs of training with evaluations and checkpoints between, and the
// report. Every decision is made from values that are equal on all ranks, so ranks never part ways.
#include "kith/exec/train.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "kith/core/checksum.h"
#include "kith/core/host.h"
#include "kith/core/log.h"
#include "kith/core/progress.h"
#include "kith/exec/device.h"
#include "kith/exec/device_plan.h"
#include "kith/exec/evaluation.h"
#include "kith/exec/halo_checkpoint.h"
#include "kith/exec/memory_estimate.h"
#include "kith/exec/memory_report.h"
#include "kith/exec/net_model.h"
#include "kith/exec/on_root.h"
#include "kith/exec/run_folder.h"
#include "kith/exec/trace_file.h"
#include "kith/exec/trainer.h"

namespace kith {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void require_trainable(const PartitionedStore& parts) {
  const StoreMeta& meta = parts.meta().store;
  const std::string path = parts.folder().string();
  if (meta.features == 0) throw InputError(path + ": has no node features to train on");
  if (meta.classes == 0) throw InputError(path + ": has no labels to train on");
  std::size_t train = 0;
  for (Part part{0}; part.value() < parts.k(); ++part) train += parts.part(part).split[0].size();
  if (train == 0) throw InputError(path + ": has no train nodes; `kith prepare --split` chooses some");
}

class Run {
 public:
  Run(Communicator& comm, const PartitionedStore& parts, const std::filesystem::path& folder,
      const TrainOptions& options, const ModelFactory& make)
      : comm_(comm),
        parts_(parts),
        folder_(folder),
        options_(options),
        metric_(metric_for(options.metric, parts.meta().store)),
        begin_(Clock::now()),
        program_bytes_(resident_bytes()),
        ownership_(parts, comm.size()),
        owned_(parts, ownership_, comm.rank()),
        parameters_(options.seed),
        model_(make(parameters_, parts.meta().store.features, parts.meta().store.classes)),
        state_(parameters_, options.optimiser),
        stop_(comm, options.end_time) {
    if (options.trace_events == 0) return;
    trace_ = start_trace(comm, static_cast<std::size_t>(options.trace_events));
    ledger_.trace_into(&trace_->events);
  }

  RunSummary train() {
    try {
      resume();
      move_to(options_.on, parameters_, state_.optimiser);
      load();
      run_epochs();
      finish();
    } catch (const MemoryError& error) {
      throw MemoryError(error.what() + shortage());
    }
    return summary_;
  }

  /// Before anything is loaded. Collective.
  void estimate(const ModelFactory& make);
  /// The same, of a GPU's memory: what does not fit there is streamed.
  void plan_device(const ModelFactory& make);

 private:
  CheckpointKey key() const { return {options_.settings_hash, options_.model_name}; }
  bool root() const { return comm_.rank() == Rank{0}; }
  bool has_valid() const { return state_.best.has(static_cast<int>(Split::valid)); }

  void resume();
  void load();
  void open_decisions();
  void run_epochs();
  void advance(Trainer& trainer, Progress* progress);
  void run_epoch(Trainer& trainer, Progress* progress);
  void end_epoch(EpochMetrics metrics, Progress* progress);
  [[noreturn]] void leave_for_now();
  void save_trace();
  bool inside_an_epoch() const { return !state_.partial_loss.empty(); }
  std::string place() const {
    const std::string epoch = fmt::format("after epoch {}", state_.epoch);
    return inside_an_epoch() ? fmt::format("{}, step {}", epoch, state_.step) : epoch;
  }
  void evaluate_epoch(EpochMetrics& metrics);
  std::string shortage() const;
  void save_checkpoint();
  bool stops_early() const;
  bool more_epochs() const { return state_.epoch < options_.epochs && !stops_early(); }
  void finish();

  Communicator& comm_;
  const PartitionedStore& parts_;
  RunFolder folder_;
  TrainOptions options_;
  Metric metric_;
  Clock::time_point begin_;
  std::int64_t program_bytes_;        // before anything is loaded
  std::unique_ptr<RankTrace> trace_;  // null: off
  Ledger ledger_;
  Ownership ownership_;
  OwnedData owned_;
  Parameters parameters_;
  std::unique_ptr<Model> model_;
  TrainingState state_;
  StopVote stop_;
  HaloDecisions decisions_;
  DevicePlan plan_;
  std::optional<LocalGraph> graph_;
  Matrix features_;
  std::vector<double> epoch_seconds_;
  std::pair<std::int64_t, std::int64_t> saved_{0, 0};  // epoch and step
  std::filesystem::path resumed_from_;                 // empty: nothing
  RunSummary summary_;
};

void Run::estimate(const ModelFactory& make) {
  const PhaseTimer timer(ledger_, "estimate");
  MemoryByKind mine;
  try {
    RunShape shape = run_shape(parts_, comm_.size(), comm_.rank(), options_, model_->self_edges());
    shape.program_bytes = program_bytes_;
    mine = estimated_memory(shape, options_, make);
  } catch (const MemoryError&) {
    log::warning(
        "this run takes more addresses than this process may have (ulimit -v): it will run out of memory");
  } catch (const std::exception& error) {
    // A model of somebody's own may not bear to be rehearsed, and can be trained all the same.
    log::warning(std::string("no estimate of the memory: ") + error.what());
  }
  summary_.estimated_memory.resize(static_cast<std::size_t>(comm_.size()));
  for (std::size_t kind = 0; kind < kMemoryKinds; ++kind) {
    const std::vector<std::int64_t> bytes = all_gather(comm_, mine.bytes[kind], "gather the estimates");
    for (std::size_t r = 0; r < bytes.size(); ++r) summary_.estimated_memory[r].bytes[kind] = bytes[r];
  }
  if (mine.total() == 0) summary_.estimated_memory.clear();
  const std::string warning = memory_warning(comm_, mine, options_.regime);
  if (root() && !warning.empty()) log::warning(warning);
}

void Run::plan_device(const ModelFactory& make) {
  const bool automatic = options_.device_memory_limit == "auto";
  const bool possible =
      memory_of(options_.on) != nullptr && options_.regime == Regime::full_graph && comm_.size() == 1;
  if (!possible && !automatic)
    throw InputError(
        "--device-memory-limit: what does not fit is streamed on one rank alone; use more ranks "
        "without a limit, or one rank");
  if (!possible) return;
  const RunShape shape = run_shape(parts_, 1, comm_.rank(), options_, model_->self_edges());
  const std::int64_t limit =
      automatic ? free_device_bytes(options_.on) : device_limit(options_.device_memory_limit);
  try {
    plan_ = device_plan(shape, options_, make, limit);
  } catch (const MemoryError&) {
    throw;
  } catch (const std::exception& error) {
    // A model of somebody's own may not bear to be rehearsed.
    log::warning(std::string("no plan of the device's memory: ") + error.what());
    if (automatic) return;
    plan_ = unplanned(limit);
  }
  if (plan_.everything_fits()) {
    plan_ = {};
    return;
  }
  options_.remade = plan_.remade;
  limit_device(options_.on, plan_);
  log::info(plan_table(plan_));
}

/// What is added to "out of memory".
std::string Run::shortage() const {
  const auto rank = static_cast<std::size_t>(comm_.rank().value());
  if (rank >= summary_.estimated_memory.size()) return "; try " + remedies({}, options_.regime);
  const MemoryByKind& memory = summary_.estimated_memory[rank];
  return fmt::format("; this rank was estimated to need {} and may use {}: try {}",
                     human_bytes(static_cast<double>(memory.total())),
                     human_bytes(static_cast<double>(memory_limit_bytes())),
                     remedies(memory, options_.regime));
}

void Run::resume() {
  run_on_root(comm_, "prepare the run's folder", [&] { folder_.prepare(options_); });
  if (options_.resume == "auto") {
    if (const auto newest = read_newest_checkpoint(folder_.checkpoints(), parameters_, state_, key()))
      resumed_from_ = *newest;
  } else if (options_.resume != "never") {
    read_checkpoint(options_.resume, parameters_, state_, key());
    resumed_from_ = options_.resume;
  }
  saved_ = {state_.epoch, state_.step};
  if (all_reduce_max(comm_, state_.step, "agree on the checkpoint") != state_.step)
    throw CorruptError(folder_.path().string() + ": ranks see different checkpoints");
  run_on_root(comm_, "open metrics.jsonl", [&] { folder_.keep_metrics_until(state_.epoch); });
  if (state_.step > 0) log::info("resumed " + place());
}

void Run::load() {
  PhaseTimer timer(ledger_, "load");
  graph_.emplace(LocalGraph::Context{comm_, ledger_, ownership_, owned_, options_.on}, model_->self_edges(),
                 options_.protocol);
  if (options_.regime == Regime::full_graph && model_->sums_input()) graph_->sum_input();
  {
    const UsePlacement placed(&plan_.load);
    features_ = graph_->fetch_features(options_.on);
  }
  // All that the whole graph needs is copied by now; mini-batches read rows where they lie.
  if (options_.regime == Regime::full_graph) parts_.leave_pages();
  log::info(fmt::format("rank 0 of {}: {} nodes, {} halo nodes, {} edges; {} parameters", comm_.size(),
                        graph_->owned(), graph_->halo(), graph_->layer_graph().csr().m(),
                        parameters_.elements()));
}

/// What senders decide by their rows is noted, and may be that of another run.
void Run::open_decisions() {
  const std::filesystem::path& replayed = options_.replay_decisions;
  if (!graph_->exchange().decides()) {
    if (!replayed.empty())
      throw InputError("--replay-decisions " + replayed.string() +
                       ": by this halo protocol nothing is decided by the data");
    return;
  }
  const int rank = comm_.rank().value();
  const DecisionOwner owner{comm_.size(), rank, checksum_of(std::as_bytes(graph_->store_ids()))};
  run_on_each(comm_, "open the log of decisions", [&] {
    if (!replayed.empty()) {
      const RunFolder run(replayed);
      const bool is_run = std::filesystem::is_directory(run.decisions());
      decisions_.follow(decision_file(is_run ? run.decisions() : replayed, rank), owner);
    }
    decisions_.note_in(decision_file(folder_.decisions(), rank), owner,
                       static_cast<std::uint32_t>(state_.step));
  });
  graph_->exchange().decide_by(&decisions_);
}

void Run::run_epochs() {
  const TrainingContext context{comm_,  ledger_, options_,    parts_, ownership_,
                                owned_, *model_, parameters_, state_, &stop_};
  const auto trainer = options_.regime == Regime::full_graph ? full_graph_trainer(context, *graph_, features_)
                                                             : mini_batch_trainer(context);
  open_decisions();
  if (!resumed_from_.empty()) read_halo_state(comm_, resumed_from_, state_.step, *graph_, options_.on);
  std::optional<Progress> progress;
  if (root()) progress.emplace("training", options_.epochs, "epochs");
  if (root()) progress->add(state_.epoch);
  while (more_epochs()) {
    advance(*trainer, root() ? &*progress : nullptr);
    if (inside_an_epoch() || (more_epochs() && stop_.ask())) leave_for_now();
  }
  if (root()) progress->finish();
}

/// By one epoch, or to where the ranks agreed to stop inside it.
void Run::advance(Trainer& trainer, Progress* progress) {
  const TraceSpan span(ledger_.trace(), "epoch", {.epoch = state_.epoch + 1});
  run_epoch(trainer, progress);
  if (inside_an_epoch()) return;
  if (options_.checkpoint_every > 0 && state_.epoch % options_.checkpoint_every == 0) save_checkpoint();
}

void Run::run_epoch(Trainer& trainer, Progress* progress) {
  const auto begin = Clock::now();
  const UsePlacement placed(&plan_.step);
  EpochMetrics metrics{.loss = trainer.run_epoch()};
  metrics.seconds = seconds_since(begin);
  if (const HaloMeasurement* measured = trainer.measured()) {
    metrics.measured = *measured;
    summary_.measurements.push_back(*measured);
  }
  if (!inside_an_epoch()) end_epoch(metrics, progress);
}

void Run::end_epoch(EpochMetrics metrics, Progress* progress) {
  epoch_seconds_.push_back(metrics.seconds);
  metrics.epoch = ++state_.epoch;
  if (metrics.epoch % options_.eval_every == 0 || metrics.epoch == options_.epochs) evaluate_epoch(metrics);
  if (!root()) return;
  folder_.add_metrics(metrics);
  const double valid = metrics.evaluation.score[static_cast<int>(Split::valid)];
  progress->note(fmt::format("loss {:.4f}{}", metrics.loss,
                             valid < 0 ? "" : fmt::format(" · valid {:.2f}%", 100 * valid)));
  progress->add(1);
}

void Run::evaluate_epoch(EpochMetrics& metrics) {
  PhaseTimer timer(ledger_, "evaluate");
  const UsePlacement placed(&plan_.evaluation);
  metrics.evaluation = evaluate(options_.on, comm_, *model_, *graph_, features_, owned_, metric_);
  if (state_.best_epoch > 0 && !better(metrics.evaluation, state_.best)) return;
  state_.best = metrics.evaluation;
  state_.best_epoch = metrics.epoch;
  state_.best_weights = weights_of(parameters_);
}

bool Run::stops_early() const {
  return options_.patience > 0 && has_valid() && state_.epoch - state_.best_epoch >= options_.patience;
}

void Run::save_checkpoint() {
  if (saved_ == std::pair(state_.epoch, state_.step)) return;
  const auto begin = Clock::now();
  PhaseTimer timer(ledger_, "checkpoint");
  // What the halo protocol keeps and decided comes first: a checkpoint that is there has it.
  graph_->exchange().send_held();
  decisions_.flush();
  write_halo_state(comm_, folder_.checkpoints() / checkpoint_name(state_), state_.step, *graph_, options_.on);
  run_on_root(comm_, "write a checkpoint", [&] {
    write_checkpoint(folder_.checkpoints(), parameters_, state_, key());
    remove_stray_halo_states(folder_.checkpoints());
  });
  saved_ = {state_.epoch, state_.step};
  stop_.note_checkpoint(Clock::now() - begin);
}

void Run::save_trace() {
  if (trace_) write_trace(comm_, *trace_, folder_.trace());
}

/// All ranks are at one step here, because they voted.
void Run::leave_for_now() {
  save_checkpoint();
  save_trace();
  throw Interrupted(fmt::format("{}: checkpointed {} in {}; run the same command again to continue",
                                stop_.reason(), place(), folder_.path().string()));
}

void Run::finish() {
  save_checkpoint();
  summary_.best = state_.best;
  summary_.best_epoch = state_.best_epoch;
  summary_.epochs = state_.epoch;
  summary_.seconds_per_epoch = median(epoch_seconds_);
  summary_.ranks = comm_.size();
  summary_.parts = parts_.k();
  summary_.regime = options_.regime;
  summary_.parameters = parameters_.elements();
  count_device(options_.on, ledger_);
  gather_ledgers(comm_, ledger_, summary_);
  if (!options_.net.empty() && !epoch_seconds_.empty())
    summary_.modelled_seconds_per_epoch = modelled_seconds(net_model(options_.net), summary_.ledgers) /
                                          static_cast<double>(epoch_seconds_.size());
  summary_.devices = device_names(comm_, options_.on);
  summary_.seconds = seconds_since(begin_);
  save_trace();
  run_on_root(comm_, "write the results", [&] {
    if (state_.best_epoch == 0) state_.best_weights = weights_of(parameters_);
    write_weights(folder_.best_weights(), parameters_, state_.best_weights);
    folder_.write_summary(summary_, options_);
    folder_.mark_finished();
  });
}

}  // namespace

RunSummary train(Communicator& comm, const PartitionedStore& parts, const std::filesystem::path& run,
                 const TrainOptions& options, const ModelFactory& make) {
  require_trainable(parts);
  Run whole(comm, parts, run, options, make);
  whole.estimate(make);
  whole.plan_device(make);
  return whole.train();
}

}  // namespace kith
