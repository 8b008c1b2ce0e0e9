#include "kith/exec/stop_signals.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <vector>

namespace kith {
namespace {

std::atomic<int> last_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler writes it");

/// What the process did with a signal before.
struct Caught {
  int signal;
  struct sigaction before;
};
std::mutex mutex;  // ranks may be threads of one process
int alive = 0;
bool leaving = false;
std::vector<Caught> caught;

void remember(int signal) { last_signal = signal; }

/// Hydra, the launcher of mpiexec, dies of USR2 itself, so outside Slurm nobody can mean it.
bool means_stop(int signal) { return signal != SIGUSR2 || std::getenv("SLURM_JOB_ID") != nullptr; }

void catch_signal(int signal) {
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART;
  Caught entry{.signal = signal, .before = {}};
  if (sigaction(signal, &action, &entry.before) == 0) caught.push_back(entry);
}

}  // namespace

StopSignals::StopSignals() {
  const std::lock_guard lock(mutex);
  if (alive++ > 0) return;
  last_signal = 0;
  leaving = false;
  if (!caught.empty()) return;
  for (const int signal : {SIGTERM, SIGUSR1, SIGUSR2})
    if (means_stop(signal)) catch_signal(signal);
}

StopSignals::~StopSignals() {
  const std::lock_guard lock(mutex);
  if (--alive > 0 || leaving) return;
  for (const Caught& entry : caught) sigaction(entry.signal, &entry.before, nullptr);
  caught.clear();
}

void StopSignals::stay() {
  const std::lock_guard lock(mutex);
  leaving = true;
}

int StopSignals::received() { return last_signal; }

const char* signal_name(int signal) {
  switch (signal) {
    case SIGTERM: return "SIGTERM";
    case SIGUSR1: return "SIGUSR1";
    case SIGUSR2: return "SIGUSR2";
    default: return "a signal";
  }
}

}  // namespace kith
