// Ranks as threads of one process. A send is complete only when it was received, the strictest reading of
// MPI, so that a program that is right here does not depend on buffering. Faults are drawn per message by
// Philox.
#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "kith/comm/thread_mailbox.h"
#include "kith/comm/world.h"
#include "kith/core/host.h"
#include "kith/core/philox.h"

namespace kith {

namespace {

/// A rank that ends because another one did: never the reason why the world failed.
struct PeerEnded : PeerError {
  using PeerError::PeerError;
};

class ThreadWorld {
 public:
  ThreadWorld(int ranks, const Faults& faults, int ranks_per_host)
      : faults_(faults), ended_(ranks), sent_(ranks), mailboxes_(ranks) {
    for (int rank = 0; rank < ranks; ++rank)
      hosts_.push_back(ranks_per_host > 0 ? fmt::format("{}-{}", host_name(), rank / ranks_per_host)
                                          : host_name());
  }

  int size() const { return static_cast<int>(mailboxes_.size()); }
  const std::string& host_of(int rank) const { return hosts_[static_cast<std::size_t>(rank)]; }
  bool crowded() const { return crowded_; }
  ThreadMailbox& mailbox(int rank) { return mailboxes_[static_cast<std::size_t>(rank)]; }
  bool ended(int rank) const { return ended_[static_cast<std::size_t>(rank)]; }

  /// The number of the `nth` duplicate of a communicator, the same for every rank that asks.
  int duplicate_of(int communicator, int nth) {
    std::lock_guard lock(mutex_);
    const auto [it, fresh] = duplicates_.try_emplace({communicator, nth}, communicators_);
    communicators_ += fresh ? 1 : 0;
    return it->second;
  }

  /// False when the message is lost on its way.
  bool draw_faults(int from, int to, const std::string& what, Parcel& parcel) {
    const std::int64_t number = sent_[static_cast<std::size_t>(from)]++;
    if (from == to) return true;
    if (from == faults_.stalled_rank && number >= faults_.stall_after) return false;
    const PhiloxWords words = philox4x32_10({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to),
                                             static_cast<std::uint32_t>(number), 0},
                                            philox_key(faults_.seed, Stream::sampling));
    constexpr int kLooks = 16;
    if (unit_float(words[0]) < faults_.delay_probability)
      parcel.hold = 1 + static_cast<int>(words[3] % kLooks);
    if (unit_float(words[1]) < faults_.reorder_probability) parcel.yield = 2 * kLooks;
    if (what == faults_.corrupted && !parcel.bytes.empty()) corrupt(from, to, number, parcel);
    return unit_float(words[2]) >= faults_.drop_probability;
  }

  void fail(int rank, const char* message, std::exception_ptr exception, bool echo) {
    std::lock_guard lock(mutex_);
    if (!echo && (!culprit_ || rank < *culprit_)) {
      culprit_ = rank;
      exception_ = std::move(exception);
    }
    if (!failed_) reason_ = fmt::format("rank {} ended: {}", rank, message);
    failed_ = true;
  }
  void end(int rank) { ended_[static_cast<std::size_t>(rank)] = true; }
  void rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }
  void throw_if_failed() {
    if (!failed_) return;
    std::lock_guard lock(mutex_);
    throw PeerEnded(reason_);
  }

 private:
  void corrupt(int from, int to, std::int64_t number, Parcel& parcel) const {
    const PhiloxWords words = philox4x32_10({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to),
                                             static_cast<std::uint32_t>(number), 1},
                                            philox_key(faults_.seed, Stream::sampling));
    if (unit_float(words[0]) >= faults_.corrupt_probability) return;
    parcel.damaged.assign(parcel.bytes.begin(), parcel.bytes.end());
    parcel.damaged[words[1] % parcel.damaged.size()] ^= static_cast<std::byte>(1u << (words[2] % 8));
    parcel.bytes = parcel.damaged;
  }

  Faults faults_;
  std::vector<std::atomic<bool>> ended_;
  std::vector<std::atomic<std::int64_t>> sent_;
  std::deque<ThreadMailbox> mailboxes_;
  std::vector<std::string> hosts_;  ///< by rank
  bool crowded_ = size() > affinity_cores();
  std::mutex mutex_;
  std::map<std::pair<int, int>, int> duplicates_;
  int communicators_ = 1;
  std::atomic<bool> failed_ = false;
  std::string reason_;
  std::optional<int> culprit_;
  std::exception_ptr exception_;
};

class ThreadSend final : public Operation {
 public:
  ThreadSend(ThreadWorld& world, std::shared_ptr<Parcel> parcel, ThreadMailbox::Stream stream, int to,
             const char* what)
      : Operation(what), world_(world), parcel_(std::move(parcel)), stream_(stream), to_(to) {
    lost_ = !world.draw_faults(stream.from, to, what, *parcel_);
    if (!lost_) world.mailbox(to).offer(stream_, parcel_);
  }
  ~ThreadSend() override {
    if (!lost_) world_.mailbox(to_).withdraw(stream_, parcel_);
  }
  std::string describe() const override { return fmt::format("send of {} bytes", parcel_->bytes.size()); }
  std::vector<Rank> waiting_for() const override { return {Rank(to_)}; }

 protected:
  bool poll() override {
    const bool peer_ended = world_.ended(to_);
    if (lost_ || world_.mailbox(to_).taken(stream_, *parcel_)) return true;
    world_.throw_if_failed();
    if (peer_ended)
      throw PeerError(fmt::format("'{}': rank {} ended without receiving {} bytes from rank {}", what(), to_,
                                  parcel_->bytes.size(), stream_.from));
    return false;
  }

 private:
  ThreadWorld& world_;
  std::shared_ptr<Parcel> parcel_;
  ThreadMailbox::Stream stream_;
  int to_;
  bool lost_ = false;
};

class ThreadReceive final : public Operation {
 public:
  ThreadReceive(ThreadWorld& world, std::span<std::byte> into, ThreadMailbox::Stream stream, int rank,
                const char* what)
      : Operation(what), world_(world), slot_(std::make_shared<Slot>()), stream_(stream), rank_(rank) {
    slot_->into = into;
    world.mailbox(rank).await(stream_, slot_);
  }
  ~ThreadReceive() override { world_.mailbox(rank_).withdraw(stream_, slot_); }
  std::string describe() const override { return fmt::format("receive of {} bytes", slot_->into.size()); }
  std::vector<Rank> waiting_for() const override { return {Rank(stream_.from)}; }

 protected:
  bool poll() override {
    const bool peer_ended = world_.ended(stream_.from);
    if (world_.mailbox(rank_).filled(stream_, *slot_)) {
      if (slot_->arrived == slot_->into.size()) return true;
      throw PeerError(fmt::format("'{}': rank {} sent {} bytes where {} were expected", what(), stream_.from,
                                  slot_->arrived, slot_->into.size()));
    }
    world_.throw_if_failed();
    if (peer_ended && !world_.mailbox(rank_).expects(stream_))
      throw PeerError(fmt::format("'{}': rank {} ended without sending the {} bytes that rank {} waits for",
                                  what(), stream_.from, slot_->into.size(), rank_));
    return false;
  }

 private:
  ThreadWorld& world_;
  std::shared_ptr<Slot> slot_;
  ThreadMailbox::Stream stream_;
  int rank_;
};

class ThreadCommunicator final : public Communicator {
 public:
  ThreadCommunicator(ThreadWorld& world, Rank rank, int number)
      : world_(world), rank_(rank), number_(number) {}
  Rank rank() const override { return rank_; }
  int size() const override { return world_.size(); }
  const std::string& host_of(Rank rank) const override { return world_.host_of(rank.value()); }

  std::unique_ptr<Communicator> duplicate() override {
    const int number = world_.duplicate_of(number_, duplicates_++);
    auto duplicate = std::make_unique<ThreadCommunicator>(world_, rank_, number);
    duplicate->set_no_progress_limit(no_progress_limit());
    return duplicate;
  }
  [[noreturn]] void abort(ExitCode code) override {
    throw Error(fmt::format("rank {} aborted with exit code {}", rank_.value(), static_cast<int>(code)),
                code);
  }

 protected:
  Pending send(std::span<const std::byte> bytes, Rank to, int tag, const char* what) override {
    auto parcel = std::make_shared<Parcel>();
    parcel->bytes = bytes;
    return std::make_unique<ThreadSend>(world_, std::move(parcel), stream(rank_, tag), to.value(), what);
  }
  Pending receive(std::span<std::byte> bytes, Rank from, int tag, const char* what) override {
    return std::make_unique<ThreadReceive>(world_, bytes, stream(from, tag), rank_.value(), what);
  }
  bool crowded() const override { return world_.crowded(); }
  bool peer_ended(Rank peer) override {
    world_.throw_if_failed();
    return world_.ended(peer.value());
  }

 private:
  ThreadMailbox::Stream stream(Rank from, int tag) const { return {number_, from.value(), tag}; }
  ThreadWorld& world_;
  Rank rank_;
  int number_;
  int duplicates_ = 0;
};

void run_rank(ThreadWorld& world, int rank, const std::function<void(Communicator&)>& body) {
  try {
    ThreadCommunicator comm(world, Rank(rank), 0);
    body(comm);
  } catch (const PeerEnded& e) {
    world.fail(rank, e.what(), std::current_exception(), true);
  } catch (const std::exception& e) {
    world.fail(rank, e.what(), std::current_exception(), false);
  } catch (...) {
    world.fail(rank, "unknown exception", std::current_exception(), false);
  }
  world.end(rank);
}

}  // namespace

void run_thread_ranks(int ranks, const std::function<void(Communicator&)>& body, const Faults& faults,
                      int ranks_per_host) {
  require(ranks >= 1, "run_thread_ranks: at least one rank", {{"ranks", ranks}});
  ThreadWorld world(ranks, faults, ranks_per_host);
  {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < ranks; ++rank) threads.emplace_back([&, rank] { run_rank(world, rank, body); });
  }
  world.rethrow();
}

}  // namespace kith
