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

  /// They stay caught when the last of these has gone, until the next has come and gone: a signal reaches the
  /// ranks at different moments, and one that comes late must not kill a rank that is about to leave.
  void stay();
  /// The last such signal since the first of them was made; 0: none.
  static int received();
};

/// "SIGTERM".
const char* signal_name(int signal);

}  // namespace kith
