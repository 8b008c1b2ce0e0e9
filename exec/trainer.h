#pragma once
#include <functional>
#include <memory>

#include "kith/comm/communicator.h"
#include "kith/exec/gradient_reducer.h"
#include "kith/exec/halo_measurement.h"
#include "kith/exec/local_graph.h"
#include "kith/exec/model.h"
#include "kith/exec/stop_vote.h"
#include "kith/exec/train_options.h"
#include "kith/exec/training_state.h"
#include "kith/sampler/owned_data.h"

namespace kith {

/// What a trainer works with; all of it outlives the trainer.
struct TrainingContext {
  Communicator& comm;
  Ledger& ledger;
  const TrainOptions& options;
  const PartitionedStore& parts;
  const Ownership& ownership;
  const OwnedData& owned;
  Model& model;
  Parameters& parameters;
  TrainingState& state;
  StopVote* stop = nullptr;  ///< asked between steps; null: nothing stops the training
};

/// One regime of training.
class Trainer {
 public:
  virtual ~Trainer() = default;
  virtual std::int64_t steps_per_epoch() const = 0;
  /// The rest of the epoch from state.step on; returns its mean training loss over all ranks' seeds. When the
  /// ranks agree to stop on the way, state.step stays inside the epoch and state.partial_loss keeps the sums
  /// so far. Collective.
  virtual double run_epoch() = 0;
  /// What the halo protocol lost in the last epoch; null: nobody measured.
  virtual const HaloMeasurement* measured() const { return nullptr; }
};

/// All train nodes in one step per epoch, over the rank's piece of the full graph. `features` as
/// LocalGraph::fetch_features returns them.
std::unique_ptr<Trainer> full_graph_trainer(const TrainingContext& context, LocalGraph& graph,
                                            ConstTensor features);
/// Steps over sampled blocks, prepared ahead by the prefetch pipeline. Collective.
std::unique_ptr<Trainer> mini_batch_trainer(const TrainingContext& context);

/// The part of a step that both share: the loss of `rows` of logits over `global_rows` of all ranks,
/// backward, gradient sum over ranks and the optimiser's step. Returns this rank's share of the mean loss.
class Stepper {
 public:
  explicit Stepper(const TrainingContext& context)
      : context_(context),
        gradients_(gradients_of(context)),
        reducer_(context.comm, context.ledger, gradients_) {}
  Tape make_tape() const;
  /// The gradient, summed over ranks, and this rank's share of the loss.
  double gradient(Tape tape, const Var& logits, const LabelView& labels, std::span<const std::int32_t> rows,
                  std::int64_t global_rows);
  ParameterGradients& gradients() { return gradients_; }
  /// By the optimiser. `epoch` from 0, with fractions inside it, is where the learning rate's schedule
  /// stands.
  void update(double epoch);
  /// Both.
  double step(Tape tape, const Var& logits, const LabelView& labels, std::span<const std::int32_t> rows,
              std::int64_t global_rows, double epoch);

 private:
  static ParameterGradients gradients_of(const TrainingContext& context) {
    const UseMemory there(memory_of(context.options.on));
    return ParameterGradients(context.parameters);
  }
  TrainingContext context_;
  ParameterGradients gradients_;
  GradientReducer reducer_;
};

}  // namespace kith
