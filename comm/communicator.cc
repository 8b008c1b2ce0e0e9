// Waiting. Every wait is a loop of test, drive, pause, so that a rank that waits moves what others need from
// it, gives its core away, and can name whom it has waited for in vain.
#include "kith/comm/communicator.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "kith/comm/backoff.h"
#include "kith/comm/internal_messages.h"
#include "kith/comm/roll_call.h"
#include "kith/core/log.h"

namespace kith {

bool Operation::test() {
  if (complete_) return true;
  complete_ = poll();
  if (complete_ && log_ != nullptr) log_->complete(sequence_);
  return complete_;
}

Pending Communicator::logged(Pending operation, const char* kind, std::int64_t bytes, int peer) {
  operation->log_ = &log_;
  operation->sequence_ = log_.start(operation->what().c_str(), kind, bytes, peer);
  return operation;
}

void Communicator::require_peer(Rank peer, int tag) const {
  require(peer.value() >= 0 && peer.value() < size(), "message: the peer is not a rank of the communicator",
          {{"peer", peer.value()}, {"ranks", size()}});
  require(tag >= 0 && tag < kTags, "message: the tag is out of range", {{"tag", tag}, {"tags", kTags}});
}

Pending Communicator::start_send(std::span<const std::byte> bytes, Rank to, int tag, const char* what) {
  require_peer(to, tag);
  return logged(InternalMessages::send(*this, bytes, to, tag, what), "send",
                static_cast<std::int64_t>(bytes.size()), to.value());
}

Pending Communicator::start_receive(std::span<std::byte> bytes, Rank from, int tag, const char* what) {
  require_peer(from, tag);
  return logged(InternalMessages::receive(*this, bytes, from, tag, what), "receive",
                static_cast<std::int64_t>(bytes.size()), from.value());
}

Pending InternalMessages::send(Communicator& comm, std::span<const std::byte> bytes, Rank to, int tag,
                               const char* what) {
  if (to != comm.rank()) {
    comm.traffic_.bytes += static_cast<std::int64_t>(bytes.size());
    ++comm.traffic_.messages;
  }
  return comm.send(bytes, to, tag, what);
}

Pending InternalMessages::receive(Communicator& comm, std::span<std::byte> bytes, Rank from, int tag,
                                  const char* what) {
  return comm.receive(bytes, from, tag, what);
}

void Communicator::wait(Pending operation) {
  std::vector<Pending> one;
  one.push_back(std::move(operation));
  wait_all(std::move(one));
}

namespace {

/// The seconds without progress. A gap between two looks counts as one second at most: a process that was
/// itself stopped (SIGSTOP, a suspended job, a debugger) must not blame its peers when it wakes.
class Patience {
 public:
  using Seconds = std::chrono::duration<double>;
  void restart() {
    idle_ = Seconds(0);
    last_ = Clock::now();
  }
  Seconds idle() {
    const auto now = Clock::now();
    idle_ += std::min<Seconds>(now - last_, Seconds(1));
    last_ = now;
    return idle_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
  Seconds idle_{0};
};

/// Forgets the complete operations; returns a number that grows with any progress.
std::int64_t sweep(std::vector<Pending>& operations, std::int64_t& finished) {
  std::int64_t steps = 0;
  std::erase_if(operations, [&](const Pending& operation) {
    const bool gone = operation == nullptr || operation->test();
    if (gone)
      ++finished;
    else
      steps += operation->steps_done();
    return gone;
  });
  // A finished operation may have counted steps before: they must not make the sum fall back to an old value.
  return steps + finished * (std::int64_t{1} << 32);
}

}  // namespace

void Communicator::wait_all(std::vector<Pending> operations) {
  Backoff backoff(crowded());
  Patience patience;
  std::int64_t finished = 0, seen = 0;
  for (;;) {
    const std::int64_t now = sweep(operations, finished);
    if (operations.empty()) return;
    Collective::drive_all();
    if (now != seen) {
      seen = now;
      backoff.reset();
      patience.restart();
    } else {
      backoff.pause();
      if (!backoff.spinning() && patience.idle() > limit_) fail_without_progress(operations);
    }
  }
}

void Communicator::progress() { Collective::drive_all(); }

namespace {

/// Ranks that wait for one another reach their limits one after the other.
std::chrono::duration<double> roll_patience(std::chrono::duration<double> limit) {
  return std::min<std::chrono::duration<double>>(2 * limit / 3, std::chrono::seconds(30));
}

}  // namespace

void Communicator::fail_without_progress(std::span<const Pending> operations) {
  std::set<Rank> missing;
  for (const Pending& operation : operations)
    for (const Rank rank : operation->waiting_for()) missing.insert(rank);
  const RollCall roll = size() > 2 ? call_the_roll(*this, missing, roll_patience(limit_)) : RollCall{};
  std::string names;
  for (const Rank rank : roll.silent.empty() ? missing : roll.silent)
    names += fmt::format("{}rank {} on host {}", names.empty() ? "" : ", ", rank.value(), host_of(rank));
  log::error(fmt::format("rank {}: the last operations:\n{}", rank().value(), log_.text()));
  throw PeerError(fmt::format(
      "no progress for {:g} s in '{}' ({}): waiting for {}; raise --no-progress-limit if it is only slow",
      limit_.count(), operations.front()->what(), operations.front()->describe(), names));
}

std::string last_operations(const Communicator& comm) { return comm.log().text(); }

}  // namespace kith
