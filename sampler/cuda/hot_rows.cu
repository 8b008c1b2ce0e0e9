#include "kith/kernels/cuda/elements.h"
#include "kith/kernels/cuda/scan.h"
#include "kith/sampler/cuda/hot_rows.h"

namespace kith::cuda {
namespace {

using Index = std::int64_t;

/// Rows of `each` elements of T.
template <class T>
void join(const Staging& call, const RowSearch& search, const RowSources& from, Index each, float* out) {
  const std::int32_t *found = search.found, *place = search.place;
  const auto* kept = reinterpret_cast<const T*>(from.kept);
  const auto* arrived = reinterpret_cast<const T*>(from.arrived);
  auto* to = reinterpret_cast<T*>(out);
  over_elements(call, search.count, each, [=] __device__(Index i, Index j) {
    const Index slot = found[i];
    to[i * each + j] = slot == kNoSlot ? arrived[place[i] * each + j] : kept[slot * each + j];
  });
}

}  // namespace

void find_rows(Staging& call, const RowSearch& search) {
  auto* lacks = call.scratch<std::uint8_t>(search.count);
  over_elements(call, 1, search.count, [=] __device__(Index, Index i) {
    const std::int32_t slot = search.slots[search.nodes[i].value()];
    search.found[i] = slot;
    lacks[i] = slot == kNoSlot ? 1 : 0;
  });
  exclusive_sum(call, lacks, search.count, search.place);
  over_elements(call, 1, search.count, [=] __device__(Index, Index i) {
    if (lacks[i] != 0) search.missing[search.place[i]] = search.nodes[i];
  });
}

void join_rows(Staging& call, const RowSearch& search, const RowSources& from, float* out) {
  if (from.cols % 4 == 0)
    join<uint4>(call, search, from, from.cols / 4, out);
  else
    join<float>(call, search, from, from.cols, out);
}

}  // namespace kith::cuda
