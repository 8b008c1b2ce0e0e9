#include "kith/exec/logit_loss.h"
#include "kith/exec/trainer.h"

namespace kith {

Tape Stepper::make_tape() const {
  return Tape({.on = context_.options.on,
               .mode = Mode::training,
               .seed = context_.options.seed,
               .step = static_cast<std::uint32_t>(context_.state.step),
               .remade = context_.options.remade});
}

double Stepper::gradient(Tape tape, const Var& logits, const LabelView& labels,
                         std::span<const std::int32_t> rows, std::int64_t global_rows) {
  const Backend& on = context_.options.on;
  const UseMemory there(memory_of(on));
  const float scale = global_rows > 0 ? 1.0f / static_cast<float>(global_rows) : 0.0f;
  Matrix dlogits(logits.rows(), logits.cols());
  const double loss = logit_loss(on, logits.value(), labels, rows, scale, dlogits);
  {
    PhaseTimer timer(context_.ledger, "backward");
    std::move(tape).backward(logits, std::move(dlogits), gradients_,
                             [&](std::size_t parameter) { reducer_.ready(gradients_, parameter); });
  }
  {
    const std::size_t bytes = context_.comm.size() > 1 ? gradients_.flat().size() * sizeof(float) : 0;
    PhaseTimer timer(context_.ledger, "reduce", static_cast<std::int64_t>(bytes));
    reducer_.finish();
  }
  return loss;
}

void Stepper::update(double epoch) {
  const Backend& on = context_.options.on;
  const UseMemory there(memory_of(on));
  PhaseTimer timer(context_.ledger, "optimise");
  const double lr_scale = context_.options.lr_schedule.scale(epoch, context_.options.epochs);
  context_.state.optimiser.step(on, context_.parameters, gradients_, lr_scale);
  ++context_.state.step;
}

double Stepper::step(Tape tape, const Var& logits, const LabelView& labels,
                     std::span<const std::int32_t> rows, std::int64_t global_rows, double epoch) {
  const double loss = gradient(std::move(tape), logits, labels, rows, global_rows);
  update(epoch);
  return loss;
}

}  // namespace kith
