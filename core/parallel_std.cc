// The pool of the thread sanitizer's build. The sanitizer cannot see into a oneTBB that was built without it,
// and would take every hand-over of a chunk for a race. Here a loop starts its threads and joins them, which
// it follows exactly. A loop inside a chunk runs on that chunk's thread.
#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <set>
#include <thread>

#include "kith/core/chunk_loop.h"
#include "kith/core/host.h"

namespace kith {
namespace {

thread_local bool inside_chunk = false;

struct Limits {
  std::mutex mutex{};
  std::multiset<int> values{};
};

Limits& limits() {
  static Limits all;
  return all;
}

/// What the threads of one loop share.
class Crew {
 public:
  explicit Crew(const detail::ChunkLoop& loop) : loop_(loop) {}

  void work() {
    inside_chunk = true;
    try {
      for (std::int64_t chunk = next_++; chunk < loop_.chunks() && !failed_; chunk = next_++)
        loop_.run(chunk);
    } catch (...) {
      if (!failed_.exchange(true)) failure_ = std::current_exception();
    }
    inside_chunk = false;
  }
  /// After every thread was joined.
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  const detail::ChunkLoop& loop_;
  std::atomic<std::int64_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::exception_ptr failure_{};
};

}  // namespace

struct ThreadLimit::Control {
  std::multiset<int>::iterator mine;
};

ThreadLimit::ThreadLimit(int threads) {
  const std::lock_guard lock(limits().mutex);
  control_.reset(new Control{limits().values.insert(std::max(1, threads))});
}
ThreadLimit::~ThreadLimit() {
  const std::lock_guard lock(limits().mutex);
  limits().values.erase(control_->mine);
}

int thread_count() {
  static const int cores = std::max(1, affinity_cores());
  const std::lock_guard lock(limits().mutex);
  return limits().values.empty() ? cores : std::min(cores, *limits().values.begin());
}

void detail::run_parallel(const ChunkLoop& loop) {
  Crew crew(loop);
  if (inside_chunk) {
    for (std::int64_t chunk = 0; chunk < loop.chunks(); ++chunk) loop.run(chunk);
    return;
  }
  {
    const std::int64_t threads = std::min<std::int64_t>(thread_count(), loop.chunks());
    std::vector<std::jthread> others;
    for (std::int64_t i = 1; i < threads; ++i) others.emplace_back([&] { crew.work(); });
    crew.work();
  }
  crew.rethrow();
}

}  // namespace kith
