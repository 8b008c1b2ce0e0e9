#pragma once
#include <hwy/detect_targets.h>

// The kernels are compiled once for each of these instruction sets and the best one the machine has is chosen
// at run time: on x86 AVX-512 (AVX3), AVX2 and a scalar baseline that runs anywhere; on Arm NEON. SSSE3 and
// SSE4 would only serve machines older than 2013; SVE's vectors have no size, so the sums of SpMM could not
// be an array of them. A file includes this before hwy/foreach_target.h.
#undef HWY_DISABLED_TARGETS
#if HWY_ARCH_X86
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#else
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif
