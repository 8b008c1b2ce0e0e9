// Bounded staleness as Dorylus has it (Thorpe et al. 2021), of rows: at no step is a row older than S steps,
// and it crosses only when it would be. At the first step all rows cross; afterwards they take turns, a
// (S + 1)-th of them a step, which are bins of as many.
#include "kith/exec/halo/values.h"

namespace kith::halo {

std::unique_ptr<HaloSelect> select_aged(double oldest) { return select_bins(oldest + 1); }

}  // namespace kith::halo
