#include "kith/exec/on_root.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "kith/comm/failure.h"

namespace kith {
namespace {

[[noreturn]] void throw_again(const Failure& failure) {
  switch (failure.code) {
    case ExitCode::bad_input: throw InputError(failure.message);
    case ExitCode::out_of_memory: throw MemoryError(failure.message);
    case ExitCode::peer_lost: throw PeerError(failure.message);
    case ExitCode::corrupt: throw CorruptError(failure.message);
    default: throw Error(failure.message, failure.code);
  }
}

/// While rank 0 works, it tells the others so: their waits end when *it* makes no progress, not when the work
/// is long. Its own thread is busy, so a thread of its own has the communicator to itself until `stop`.
class Heartbeat {
 public:
  Heartbeat(Communicator& comm, const char* what)
      : comm_(comm), what_(what), period_(std::min(10.0, comm.no_progress_limit().count() / 4)) {
    if (comm.size() > 1) thread_ = std::thread([this] { beat(); });
  }
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;
  ~Heartbeat() {
    if (thread_.joinable()) end();
  }

  /// Throws PeerError when a peer could not be told.
  void stop() {
    if (!thread_.joinable()) return;
    end();
    if (failure_) throw_again(*failure_);
    tell(kDone);
  }

  static constexpr std::byte kWorking{0}, kDone{1};
  static constexpr int kTag = 7001;

 private:
  void end() {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void beat() {
    failure_ = failure_of([this] {
      std::unique_lock lock(mutex_);
      while (!wake_.wait_for(lock, std::chrono::duration<double>(period_), [this] { return stopped_; }))
        tell(kWorking);
    });
  }

  void tell(std::byte state) {
    for (int r = 1; r < comm_.size(); ++r)
      comm_.wait(comm_.start_send(std::span(&state, 1), Rank{r}, kTag, what_));
  }

  Communicator& comm_;
  const char* what_;
  double period_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
  std::optional<Failure> failure_;
  std::thread thread_;
};

void wait_for_root(Communicator& comm, const char* what) {
  std::byte state = Heartbeat::kWorking;
  while (state != Heartbeat::kDone)
    comm.wait(comm.start_receive(std::span(&state, 1), Rank{0}, Heartbeat::kTag, what));
}

}  // namespace

void run_on_root(Communicator& comm, const char* what, const std::function<void()>& work) {
  std::optional<Failure> failure;
  if (comm.rank() == Rank{0}) {
    Heartbeat heartbeat(comm, what);
    failure = failure_of(work);
    heartbeat.stop();
  } else {
    wait_for_root(comm, what);
  }
  std::array<std::int64_t, 2> head{};
  if (failure)
    head = {static_cast<std::int64_t>(failure->code), static_cast<std::int64_t>(failure->message.size())};
  broadcast(comm, std::as_writable_bytes(std::span(head)), Rank{0}, what);
  if (head[0] == 0) return;
  std::string message = failure ? failure->message : std::string(static_cast<std::size_t>(head[1]), ' ');
  broadcast(comm, std::as_writable_bytes(std::span(message.data(), message.size())), Rank{0}, what);
  throw_again({static_cast<ExitCode>(head[0]), message});
}

void run_on_each(Communicator& comm, const char* what, const std::function<void()>& work) {
  const std::optional<Failure> failure = failure_of(work);
  const std::vector<std::int64_t> codes =
      all_gather(comm, failure ? static_cast<std::int64_t>(failure->code) : 0, what);
  const std::vector<std::string> messages =
      all_gather(comm, failure ? failure->message : std::string(), what);
  for (std::size_t rank = 0; rank < codes.size(); ++rank)
    if (codes[rank] != 0) throw_again({static_cast<ExitCode>(codes[rank]), messages[rank]});
}

}  // namespace kith
