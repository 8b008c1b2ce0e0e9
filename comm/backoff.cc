#include "kith/comm/backoff.h"

#include <chrono>
#include <thread>

#include <sched.h>
#include <sys/prctl.h>

namespace kith {

namespace {
constexpr std::chrono::microseconds kSleep{50};

/// Linux rounds short sleeps up by the thread's timer slack, 50 µs unless it is lowered.
void lower_timer_slack() {
  thread_local const int once = prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
  static_cast<void>(once);
}
}  // namespace

void Backoff::pause() {
  if (count_ < spins_) {
    ++count_;
  } else if (count_ < spins_ + yields_) {
    ++count_;
    sched_yield();
  } else {
    lower_timer_slack();
    std::this_thread::sleep_for(kSleep);
  }
}

}  // namespace kith
