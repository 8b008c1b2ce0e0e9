#include "kith/core/parallel.h"

#include <algorithm>
#include <utility>

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace kith {

struct ThreadLimit::Control {
  tbb::global_control limit;
};

ThreadLimit::ThreadLimit(int threads)
    : control_(new Control{
          {tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(std::max(1, threads))}}) {}
ThreadLimit::~ThreadLimit() = default;

int thread_count() {
  const auto limit = tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism);
  return std::max(1, std::min(static_cast<int>(limit), tbb::this_task_arena::max_concurrency()));
}

void detail::for_chunks(std::int64_t begin, std::int64_t end, std::int64_t grain, ChunkCall call,
                        void* body) {
  if (begin >= end) return;
  grain = std::max<std::int64_t>(grain, 1);
  const std::int64_t chunks = (end - begin + grain - 1) / grain;
  auto run = [=](std::int64_t chunk) {
    const std::int64_t chunk_begin = begin + chunk * grain;
    call(body, chunk_begin, std::min(end, chunk_begin + grain));
  };
  if (chunks == 1 || thread_count() == 1) {
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) run(chunk);
    return;
  }
  tbb::parallel_for(std::int64_t{0}, chunks, run);
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
