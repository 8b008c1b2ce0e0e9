#include "kith/kernels/cpu/spmm.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/kernels/cpu/spmm_stored.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kith/kernels/cpu/spmm-inl.h"

// SpMM over rows of narrow types: the loop of spmm-inl.h with other loads.
HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {

void sum_narrow_run(const SpmmRun& run) {
  if (run.begin >= run.end) return;
  switch (run.x.type) {
    case DType::bf16: return sum_head<BrainFloats>(run, 0, 0, run.x.cols);
    case DType::f16: return sum_head<Halves>(run, 0, 0, run.x.cols);
    default: return sum_head<Bytes>(run, 0, 0, run.x.cols);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kith {

HWY_EXPORT(sum_narrow_run);
void sum_stored_run(const SpmmRun& run) { HWY_DYNAMIC_DISPATCH(sum_narrow_run)(run); }

}  // namespace kith
#endif
