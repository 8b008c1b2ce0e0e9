#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

/// PipeGCN (Wan et al. 2022): a step computes with the halo rows and gradients of the step before, so that an
/// exchange has a whole step to arrive in. The first step waits for its own. Smoothing replaces what has
/// arrived by its moving average, x̄ ← γ x̄ + (1 − γ) x, where the first arrival is the first average.
class Stale final : public HaloSchedule {
 public:
  Stale(double features, double gradients)
      : features_(static_cast<float>(features)), gradients_(static_cast<float>(gradients)) {}
  bool overlaps() const override { return true; }
  bool one_step_late() const override { return true; }
  float smoothing(bool backward) const override { return backward ? gradients_ : features_; }

 private:
  float features_, gradients_;
};

}  // namespace

std::unique_ptr<HaloSchedule> schedule_stale(double features, double gradients) {
  return std::make_unique<Stale>(features, gradients);
}

}  // namespace kith::halo
