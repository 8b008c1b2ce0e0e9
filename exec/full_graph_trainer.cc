#include <optional>

#include "kith/core/trace.h"
#include "kith/exec/error_watch.h"
#include "kith/exec/halo/forecast.h"
#include "kith/exec/halo/protocol.h"
#include "kith/exec/logit_loss.h"
#include "kith/exec/trainer.h"

namespace kith {
namespace {

class FullGraphTrainer final : public Trainer {
 public:
  FullGraphTrainer(const TrainingContext& context, LocalGraph& graph, ConstTensor features)
      : context_(context), graph_(graph), features_(features), stepper_(context) {
    graph.keep_aggregates_of(features);
    const LabelView labels = labels_of(context.owned);
    mirrors_ = {mirrored(context.options.on, rows()), mirrored(context.options.on, labels.classes),
                mirrored(context.options.on, labels.multi)};
    check_protocol(context.options.protocol, context.model);
    const bool watched = context.options.error_budget >= 0 || context.options.measure_error > 0;
    const bool told = graph.reduces() || graph.splits_columns() || graph.exchange().in_rounds() || watched;
    const auto exchanges =
        told ? exchanges_of_a_step(context.model, context.parameters, features.cols, context.options.protocol)
             : std::vector<StepExchange>();
    graph.train_only(rows(), context.model.one_exchange_a_layer() ? context.model.layers() : 0, exchanges);
    const auto own = static_cast<std::int64_t>(rows().size());
    double all = static_cast<double>(own);
    if (watched) watch_.emplace(context, graph.exchange(), exchanges);
    train_nodes_ = static_cast<std::int64_t>(all_reduce_sum(context.comm, all, "count the train nodes"));
  }

  std::int64_t steps_per_epoch() const override { return 1; }

  double run_epoch() override {
    const TrainingState& state = context_.state;
    const TraceSpan span(context_.ledger.trace(), "step", {.epoch = state.epoch + 1, .step = state.step + 1});
    graph_.exchange().send_held();
    const auto pass = [this] { return this->pass(); };
    const double share = watch_ ? watch_->step(pass, stepper_.gradients()) : pass();
    stepper_.update(static_cast<double>(context_.state.step));
    const double loss = all_reduce_sum(context_.comm, share, "training loss");
    if (state.step >= context_.options.epochs) graph_.exchange().send_held();
    return loss;
  }

  const HaloMeasurement* measured() const override {
    return watch_ && watch_->measured() ? &*watch_->measured() : nullptr;
  }

 private:
  /// The step's gradient; this rank's share of the loss.
  double pass() {
    Tape tape = stepper_.make_tape();
    Var logits;
    {
      PhaseTimer timer(context_.ledger, "forward");
      const UseMemory there(memory_of(context_.options.on));
      logits = context_.model.forward(tape, graph_.layer_graphs(context_.model.layers()),
                                      tape.constant(features_));
      logits = first_rows(tape, logits, graph_.owned());
    }
    return stepper_.gradient(std::move(tape), logits, labels_of(context_.owned), rows(), train_nodes_);
  }

  std::span<const std::int32_t> rows() const { return context_.owned.split[static_cast<int>(Split::train)]; }

  TrainingContext context_;
  LocalGraph& graph_;
  ConstTensor features_;
  std::int64_t train_nodes_ = 0;
  Stepper stepper_;
  std::optional<ErrorWatch> watch_;  ///< nothing: nobody measures
  std::vector<Mirror> mirrors_;      ///< of what every step reads
};

}  // namespace

std::unique_ptr<Trainer> full_graph_trainer(const TrainingContext& context, LocalGraph& graph,
                                            ConstTensor features) {
  return std::make_unique<FullGraphTrainer>(context, graph, features);
}

}  // namespace kith
