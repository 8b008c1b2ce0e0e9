#pragma once
#include <algorithm>
#include <cstdint>

#include "kith/core/parallel.h"

namespace kith::detail {

/// The chunks of one loop.
struct ChunkLoop {
  std::int64_t begin, end, grain;
  ChunkCall call;
  void* body;

  std::int64_t chunks() const { return (end - begin + grain - 1) / grain; }
  void run(std::int64_t chunk) const {
    const std::int64_t chunk_begin = begin + chunk * grain;
    call(body, chunk_begin, std::min(end, chunk_begin + grain));
  }
};

/// Runs the chunks in parallel, in any order, and throws what one of them threw. This, `ThreadLimit` and
/// `thread_count` are the pool: parallel_tbb.cc, or parallel_std.cc under KITH_STD_THREADS.
void run_parallel(const ChunkLoop& loop);

}  // namespace kith::detail
