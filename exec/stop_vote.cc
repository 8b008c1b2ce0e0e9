#include "kith/exec/stop_vote.h"

#include <algorithm>

#include "kith/core/log.h"
#include "kith/exec/on_root.h"

namespace kith {
namespace {

constexpr std::int64_t kEndIsNear = 1 << 16;  // beyond every signal's number
constexpr const char* kVote = "agree to stop";

}  // namespace

StopVote::StopVote(Communicator& comm, const std::string& end_time) : comm_(comm) {
  run_on_root(comm, "find the job's end", [&] { end_ = kith::end_time(end_time); });
}

bool StopVote::ask() {
  const auto now = Clock::now();
  if (last_vote_) longest_gap_ = std::max<Seconds>(longest_gap_, now - *last_vote_);
  last_vote_ = now;
  reason_ = all_reduce_max(comm_, own_reason(), kVote);
  if (agreed()) signals_.stay();
  return agreed();
}

/// Twice the longest time between two votes and of a checkpoint, because the next may take longer than any
/// before.
std::int64_t StopVote::own_reason() const {
  if (const int signal = StopSignals::received(); signal != 0) return signal;
  if (!end_) return 0;
  const Seconds margin = 2 * (longest_gap_ + longest_checkpoint_) + Seconds(5);
  return Seconds(*end_ - std::chrono::system_clock::now()) < margin ? kEndIsNear : 0;
}

std::string StopVote::reason() const {
  return reason_ == kEndIsNear ? "the job's end is near" : signal_name(static_cast<int>(reason_));
}

void StopVote::note_checkpoint(Seconds seconds) {
  longest_checkpoint_ = std::max(longest_checkpoint_, seconds);
}

}  // namespace kith
