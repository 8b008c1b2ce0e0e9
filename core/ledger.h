#pragma once
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace kith {

class Trace;

/// What a number in the ledger counts: a dotted name ("halo.bytes", "seconds.sample"), and where it makes
/// sense the layer and the peer rank (−1: not split).
struct LedgerKey {
  std::string name;
  int layer = -1;
  int peer = -1;
  friend auto operator<=>(const LedgerKey&, const LedgerKey&) = default;
};

/// The counted bytes, rows, messages, seconds and memory of one rank's run. Thread-safe; meant to be called
/// once per message or phase, not per row. Counters are kept as doubles: exact for integers below 2⁵³.
class Ledger {
 public:
  void add(const LedgerKey& key, double amount);
  void add(const char* name, double amount) { add({name, -1, -1}, amount); }
  void set(const char* name, double value);
  /// Adds the seconds between two times; a trace gets the same stretch as an event of the calling thread,
  /// named as the key without "seconds.".
  using Time = std::chrono::steady_clock::time_point;
  void add_seconds(const LedgerKey& key, Time begin, Time end, std::int64_t bytes = -1);
  /// From now on, what is timed is traced, too; null: no longer. The trace outlives its use. Not thread-safe.
  void trace_into(Trace* trace) { trace_ = trace; }
  Trace* trace() const { return trace_; }
  /// The sum over all layers and peers of a name; 0 when it was never counted.
  double total(const std::string& name) const;
  std::map<LedgerKey, double> entries() const;
  void clear();

 private:
  mutable std::mutex mutex_;
  std::map<LedgerKey, double> entries_;
  Trace* trace_ = nullptr;
};

/// Adds the seconds from construction to destruction (or `stop()`) under `seconds.<phase>`.
class PhaseTimer {
 public:
  /// `bytes`: what the phase moves, for a trace.
  PhaseTimer(Ledger& ledger, const char* phase, std::int64_t bytes = -1)
      : ledger_(&ledger), phase_(phase), bytes_(bytes), begin_(Clock::now()) {}
  ~PhaseTimer() { stop(); }
  PhaseTimer(const PhaseTimer&) = delete;
  PhaseTimer& operator=(const PhaseTimer&) = delete;
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  Ledger* ledger_;
  const char* phase_;
  std::int64_t bytes_;
  Clock::time_point begin_;
};

/// The largest resident set of this process so far, in bytes.
std::int64_t peak_memory_bytes();

}  // namespace kith
