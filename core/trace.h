#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace kith {

/// What a thread works on, counted from 1 as in metrics.jsonl and in the names of checkpoints; 0: not known.
struct TracePlace {
  std::int64_t epoch = 0, step = 0;
};

/// One stretch of one thread's time.
struct TraceEvent {
  using Time = std::chrono::steady_clock::time_point;
  std::string name;
  Time begin, end;
  int layer = -1;           ///< −1: of none
  std::int64_t bytes = -1;  ///< −1: of none
  int thread = 0;           ///< as in Trace::threads; filled in by the trace, as is `place`
  TracePlace place = {};
};

/// When the threads of one rank did what, in bounded memory: events behind the first `most_events` are
/// counted and dropped. Thread-safe. Filled by the Ledger, which has its seconds from the same measurements.
class Trace {
 public:
  explicit Trace(std::size_t most_events) : most_events_(most_events) {}

  /// Names the calling thread, which is otherwise "thread 1", ….
  void name_thread(const std::string& name);
  /// Something that this thread has just done, at its TraceSpan's place.
  void add(TraceEvent event);

  /// By thread; within a thread by begin, a longer one before those inside it.
  std::vector<TraceEvent> events() const;
  std::vector<std::string> threads() const;
  std::int64_t dropped() const;

 private:
  int thread_here();

  mutable std::mutex mutex_;
  std::size_t most_events_;
  std::int64_t dropped_ = 0;
  std::vector<TraceEvent> events_;
  std::map<std::uint64_t, int> numbers_;  ///< by a number that a thread keeps
  std::vector<std::string> threads_;
};

/// While it lives, the calling thread works on `place`: every event inside carries it, and the whole is an
/// event, too.
class TraceSpan {
 public:
  /// A null trace: does nothing. `name` must outlive it.
  TraceSpan(Trace* trace, const char* name, TracePlace place);
  ~TraceSpan();
  TraceSpan(const TraceSpan&) = delete;
  TraceSpan& operator=(const TraceSpan&) = delete;

 private:
  Trace* trace_;
  const char* name_;
  TracePlace outer_;
  TraceEvent::Time begin_;
};

}  // namespace kith
