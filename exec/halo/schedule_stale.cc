#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

/// PipeGCN (Wan et al. 2022): a step computes with the halo rows and gradients of the step before, so that an
/// exchange has a whole step to arrive in. The first step, also after a resume, waits for its own.
class Stale final : public HaloSchedule {
 public:
  bool overlaps() const override { return true; }
  bool one_step_late() const override { return true; }
};

}  // namespace

std::unique_ptr<HaloSchedule> schedule_stale() { return std::make_unique<Stale>(); }

}  // namespace kith::halo
