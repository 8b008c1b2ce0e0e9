#pragma once
#include "kith/core/parallel.h"
#include "kith/datasets/external/edge_buckets.h"

namespace kith {

template <class Entry>
template <class Use>
void EdgeBuckets<Entry>::drain(Use&& use) {
  // As many buckets are sorted at a time as there are threads; each may use its share of the memory.
  const auto at_once = static_cast<std::size_t>(std::max(1, thread_count()));
  for (std::size_t first = 0; first < buckets_.size();) {
    if (!fits(first)) {
      cut_again(first)->drain(use);
      ++first;
      continue;
    }
    std::size_t end = first + 1;
    while (end < buckets_.size() && end - first < at_once && fits(end)) ++end;
    std::vector<Array<Entry>> pieces(end - first);
    parallel_for(0, static_cast<std::int64_t>(pieces.size()), 1, [&](std::int64_t i, std::int64_t) {
      pieces[i] = sorted(first + static_cast<std::size_t>(i));
    });
    for (Array<Entry>& piece : pieces) {
      use(std::span<const Entry>(piece.span()));
      piece = {};
    }
    first = end;
  }
}

}  // namespace kith
