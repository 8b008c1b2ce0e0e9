#include "kith/core/parallel.h"

#include <algorithm>
#include <utility>

#include "kith/core/chunk_loop.h"

namespace kith {

void detail::for_chunks(std::int64_t begin, std::int64_t end, std::int64_t grain, ChunkCall call,
                        void* body) {
  if (begin >= end) return;
  const ChunkLoop loop{begin, end, std::max<std::int64_t>(grain, 1), call, body};
  if (loop.chunks() > 1 && thread_count() > 1) return run_parallel(loop);
  for (std::int64_t chunk = 0; chunk < loop.chunks(); ++chunk) loop.run(chunk);
}

std::int64_t exclusive_prefix_sum(std::int64_t* values, std::int64_t count) {
  constexpr std::int64_t kGrain = 1 << 16;
  const std::int64_t chunks = (count + kGrain - 1) / kGrain;
  std::vector<std::int64_t> sums(static_cast<std::size_t>(chunks) + 1, 0);
  parallel_for(0, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t sum = 0;
    for (std::int64_t i = begin; i < end; ++i) sum += values[i];
    sums[static_cast<std::size_t>(begin / kGrain) + 1] = sum;
  });
  for (std::size_t c = 1; c < sums.size(); ++c) sums[c] += sums[c - 1];
  parallel_for(0, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t sum = sums[static_cast<std::size_t>(begin / kGrain)];
    for (std::int64_t i = begin; i < end; ++i) sum += std::exchange(values[i], sum);
  });
  return sums.back();
}

}  // namespace kith
