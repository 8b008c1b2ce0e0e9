#include <algorithm>

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "kith/core/chunk_loop.h"

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

void detail::run_parallel(const ChunkLoop& loop) {
  tbb::parallel_for(std::int64_t{0}, loop.chunks(), [&](std::int64_t chunk) { loop.run(chunk); });
}

}  // namespace kith
