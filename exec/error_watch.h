#pragma once
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "kith/exec/gradients.h"
#include "kith/exec/halo/halo_exchange.h"
#include "kith/exec/halo_measurement.h"
#include "kith/exec/trainer.h"

namespace kith {

/// Measures what the halo protocol loses, every so many epochs, and where there is a budget settles which
/// encodings the layers take. Every decision is made from sums over all ranks.
class ErrorWatch {
 public:
  /// `exchanges` of a step. Collective; the context and the exchange must outlive it.
  ErrorWatch(const TrainingContext& context, HaloExchange& exchange, std::vector<StepExchange> exchanges);

  /// One training step's gradient by `pass`, which leaves it, summed over ranks, in `gradients`: a pass, or
  /// where the step is measured one more that loses nothing and as many as a budget asks for. What these
  /// extra passes count goes to "probe" and "seconds.measure". Returns what the last pass returned.
  double step(const std::function<double()>& pass, ParameterGradients& gradients);
  /// Of the last step; nothing where it was not measured.
  const std::optional<HaloMeasurement>& measured() const { return measured_; }

 private:
  bool watches() const { return layers_ > 0 && context_.comm.size() > 1; }
  bool follows() const { return !context_.options.replay_decisions.empty(); }
  bool is_due(std::int64_t every) const { return every > 0 && context_.state.epoch % every == 0; }
  bool adjusts() const;
  /// Takes the rungs of a followed run, or notes the present ones.
  void settle_rungs();
  double measured_step(const std::function<double()>& pass, ParameterGradients& gradients);
  HaloMeasurement measurement(const HaloErrors& errors, std::span<const float> exact,
                              std::span<const float> lossy) const;
  void put_rungs(const std::vector<int>& rungs);
  std::vector<int> rungs() const;
  void count_bytes(const std::vector<StepExchange>& exchanges);
  void tell(const std::vector<int>& before) const;

  TrainingContext context_;
  HaloExchange& exchange_;
  HaloLadder* ladder_;
  int layers_ = 0;                          ///< exchanges 1, 2, … of a step
  std::vector<std::vector<double>> bytes_;  ///< of a step, about, by layer and rung
  std::vector<char> trained_;               ///< by element of the gradient
  std::optional<HaloMeasurement> measured_;
};

}  // namespace kith
