#pragma once

namespace kith {

/// While any of these lives, TERM and USR1 (inside a Slurm job also USR2) ask the process to stop at the next
/// good place instead of killing it. The first is made after MPI has started, which may want those signals
/// itself.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The last such signal since the first of them was made; 0: none.
  static int received();
};

/// "SIGTERM".
const char* signal_name(int signal);

}  // namespace kith
