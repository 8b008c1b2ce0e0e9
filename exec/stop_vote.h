#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "kith/comm/communicator.h"
#include "kith/exec/end_time.h"
#include "kith/exec/stop_signals.h"

namespace kith {

/// No failure: all ranks stopped at one step and saved the work; the same command continues it.
struct Interrupted : Error {
  explicit Interrupted(const std::string& what) : Error(what, ExitCode::requeue) {}
};

/// How the ranks stop at one step. A signal reaches them at different moments, and only rank 0 watches the
/// clock, so they vote; an answer is the same on every rank. Because a vote is an all-reduce, it also finds
/// out that a rank has died: it ends with PeerError that names it.
class StopVote {
 public:
  /// `end_time`: as the setting. Collective; throws InputError when that time is over.
  StopVote(Communicator& comm, const std::string& end_time);

  /// True once any rank has a reason to stop. Collective.
  bool ask();
  /// The last answer of `ask`.
  bool agreed() const { return reason_ != 0; }
  /// "SIGTERM", "the job's end is near".
  std::string reason() const;

  /// A checkpoint took so long: the time it takes counts towards "near".
  void note_checkpoint(std::chrono::duration<double> seconds);

 private:
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<double>;
  std::int64_t own_reason() const;

  Communicator& comm_;
  StopSignals signals_;
  std::optional<WallTime> end_;
  std::optional<Clock::time_point> last_vote_;
  Seconds longest_gap_{0};
  Seconds longest_checkpoint_{0};
  std::int64_t reason_ = 0;
};

}  // namespace kith
