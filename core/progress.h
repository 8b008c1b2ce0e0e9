#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace kith {

/// One long step's progress. On a terminal one line that is redrawn (rate, time left, memory), elsewhere a
/// plain line every few seconds; KITH_PROGRESS=live|plain|none overrides. Goes to standard error, so that
/// standard output stays for results. Thread-safe `add`; made on the rank that shows it (rank 0).
class Progress {
 public:
  /// `total` 0: unknown. `unit` as in "edges", "epochs".
  Progress(std::string step, std::int64_t total, std::string unit);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void add(std::int64_t done);
  /// Sets the free text at the end of the line ("loss 0.412 · valid 81.2%").
  void note(std::string_view text);
  /// Draws the last state and ends the line.
  void finish();

 private:
  struct State;
  State* state_;
};

/// "1.2 GB", "3.4 k", "2 m 03 s".
std::string human_bytes(double bytes);
std::string human_count(double count);
std::string human_seconds(double seconds);

}  // namespace kith
