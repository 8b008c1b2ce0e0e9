#pragma once
#include <string>
#include <vector>

#include "kith/exec/gradients.h"
#include "kith/exec/parameter.h"
#include "kith/kernels/backend.h"

namespace kith {

struct OptimiserOptions {
  std::string name = "adam";  ///< adam | adamw | sgd
  double lr = 0.01;           ///< its base; the schedule scales it
  double weight_decay = 0;    ///< L2 in the gradient for Adam and SGD, decoupled for AdamW
  double momentum = 0;        ///< sgd
};

/// The update rule and its state, one flat array per moment in the order of the parameters. Every rank steps
/// alike.
class Optimiser {
 public:
  Optimiser(const Parameters& parameters, const OptimiserOptions& options);
  /// With the learning rate times `lr_scale`.
  void step(const Backend& on, Parameters& parameters, const ParameterGradients& gradients,
            double lr_scale = 1);

  /// Steps made, and the moments by name ("exp_avg", "exp_avg_sq" or "momentum_buffer"): what a checkpoint
  /// holds.
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }
  struct Moment {
    std::string name;
    Array<float> values;
  };
  /// Moves the moments to where new buffers lie at present.
  void move_here();
  std::vector<Moment>& moments() { return moments_; }
  const std::vector<Moment>& moments() const { return moments_; }

 private:
  OptimiserOptions options_;
  std::int64_t steps_ = 0;
  std::vector<Moment> moments_;
};

/// Moves what training changes to where the backend's arrays had better lie.
void move_to(const Backend& on, Parameters& parameters, Optimiser& optimiser);

}  // namespace kith
