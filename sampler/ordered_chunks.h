#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>

#include "kith/core/parallel.h"

namespace kith {

/// At most so many chunks go through `for_ordered_chunks` at a time.
inline constexpr std::int64_t kMostOrderedChunks = 64;

/// make(c) for every chunk in [0, chunks), in parallel, begun in ascending order; take(c) once each, in
/// ascending order and one at a time, as soon as the chunks up to c are made. A thread that finds a chunk
/// made takes what is ready and goes on making: nobody waits for anybody. Neither may throw.
template <class Make, class Take>
void for_ordered_chunks(std::int64_t chunks, Make&& make, Take&& take) {
  std::atomic<std::int64_t> next_made{0};
  std::atomic<std::uint64_t> made{0};
  std::atomic_flag taking = ATOMIC_FLAG_INIT;
  std::int64_t next_taken = 0;  // guarded by `taking`
  const auto is_ready = [&](std::int64_t chunk) {
    return chunk < chunks && ((made.load() >> chunk) & 1) != 0;
  };
  const auto take_ready = [&] {
    bool more = true;
    while (more && !taking.test_and_set()) {
      while (is_ready(next_taken)) take(next_taken++);
      const std::int64_t waited_for = next_taken;
      taking.clear();
      // Made by another thread between the last look and `clear`: that thread has gone on.
      more = is_ready(waited_for);
    }
  };
  const std::int64_t threads = std::min<std::int64_t>(thread_count(), chunks);
  parallel_for(0, threads, 1, [&](std::int64_t, std::int64_t) {
    for (std::int64_t chunk = next_made++; chunk < chunks; chunk = next_made++) {
      make(chunk);
      made |= std::uint64_t{1} << chunk;
      take_ready();
    }
  });
}

}  // namespace kith
