#include "kith/sampler/draw_rows.h"

#include "kith/core/error.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/sampler/draw_rows.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kith/sampler/draw_rows-inl.h"

#if HWY_ONCE
namespace kith {
namespace {
HWY_EXPORT(draw_all);
}  // namespace

std::int64_t draw_rows(const RowDraws& draws, std::span<const GlobalId> frontier, std::int32_t* counts,
                       std::int32_t* out) {
  require(draws.fanout >= 1 && draws.fanout <= kMostVectorDraws, "draw_rows takes small fanouts",
          {{"fanout", draws.fanout}});
  return HWY_DYNAMIC_DISPATCH(draw_all)(draws, frontier, counts, out);
}

}  // namespace kith
#endif
