#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "kith/comm/operation_log.h"
#include "kith/core/device_memory.h"
#include "kith/core/error.h"
#include "kith/core/ids.h"
#include "kith/core/ledger.h"

namespace kith {

/// A message or collective under way. Moves only; must be waited for (or the communicator aborted) before its
/// memory goes.
class Operation {
 public:
  explicit Operation(const char* what) : what_(what) {}
  virtual ~Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  /// True once complete; drives progress. Not blocking. Throws PeerError when a peer is known to be lost.
  bool test();
  /// The caller's name of it: "halo exchange layer 1".
  const std::string& what() const { return what_; }
  /// "receive of 4096 bytes".
  virtual std::string describe() const = 0;
  /// The ranks it still waits for.
  virtual std::vector<Rank> waiting_for() const = 0;
  /// Grows as its parts complete, so that a long operation that moves is not taken for a stalled one.
  virtual std::int64_t steps_done() const { return 0; }

 protected:
  virtual bool poll() = 0;

 private:
  friend class Communicator;
  std::string what_;
  OperationLog* log_ = nullptr;
  std::int64_t sequence_ = 0;
  bool complete_ = false;
};
using Pending = std::unique_ptr<Operation>;

class SharedScratch;

/// What a communicator sent to other ranks, its collectives included.
struct Traffic {
  std::int64_t bytes = 0;
  std::int64_t messages = 0;
};

/// A group of ranks that move opaque bytes. Two implementations: MPI (`MpiEnvironment::world`) and threads of
/// one process (`run_thread_ranks`). Collectives are collective: every rank calls them in the same order.
/// Buffers stay valid until the operation is complete, and the communicator outlives its operations. One
/// thread at a time uses a communicator; another thread takes a duplicate.
class Communicator {
 public:
  /// Tags of callers are in [0, kTags); those behind are the collectives' and the row exchange's.
  static constexpr int kTags = 1 << 14;

  virtual ~Communicator() = default;
  virtual Rank rank() const = 0;
  virtual int size() const = 0;
  virtual const std::string& host_of(Rank rank) const = 0;

  /// Messages between two ranks with one tag arrive in order. Sizes above 2³¹ are right. A receive must have
  /// the size of its message: PeerError otherwise. `what` names the operation in errors and logs.
  Pending start_send(std::span<const std::byte> bytes, Rank to, int tag, const char* what);
  Pending start_receive(std::span<std::byte> bytes, Rank from, int tag, const char* what);
  /// values[i] becomes Σ over ranks, added in rank order; the same bits on every rank and in every run with
  /// the same size(). Any number may be under way; they move whenever this thread tests or waits for
  /// anything.
  Pending start_all_reduce_sum(std::span<float> values, const char* what);
  Pending start_all_reduce_sum(std::span<double> values, const char* what);

  /// Memory beside the host's that messages and sums of floats may lie in; null: none.
  virtual DeviceMemory* device_memory() const { return nullptr; }
  /// Messages in device memory that are started between the two start together: those of one exchange must.
  virtual void begin_group() {}
  virtual void end_group() {}

  /// Another communicator of the same ranks whose messages never meet this one's, with the same no-progress
  /// limit. Collective. A thread of its own (the prefetch pipeline) needs one.
  virtual std::unique_ptr<Communicator> duplicate() = 0;
  /// Ends the whole job with this code; does not return.
  [[noreturn]] virtual void abort(ExitCode code) = 0;

  /// Waits by test + yield. Throws PeerError that names `what`, the missing ranks and their hosts after
  /// `no_progress_limit` without progress; of ranks that only wait for others, those others (roll_call.h).
  void wait(Pending operation);
  void wait_all(std::vector<Pending> operations);
  /// Moves along what this thread has started; for long computations that overlap with communication.
  void progress();
  void set_no_progress_limit(std::chrono::duration<double> limit) { limit_ = limit; }
  std::chrono::duration<double> no_progress_limit() const { return limit_; }

  const Traffic& traffic() const { return traffic_; }
  const OperationLog& log() const { return log_; }

 protected:
  virtual Pending send(std::span<const std::byte> bytes, Rank to, int tag, const char* what) = 0;
  virtual Pending receive(std::span<std::byte> bytes, Rank from, int tag, const char* what) = 0;
  /// Σ over ranks of values in device_memory().
  virtual Pending sum_on_device(std::span<float>, const char*) { return nullptr; }
  /// More ranks on this host than cores this process may use: waits give the core away at once.
  virtual bool crowded() const = 0;
  /// Memory that all ranks share, or null.
  virtual SharedScratch* shared_scratch() { return nullptr; }
  /// Whether a rank is known to do nothing any more. Throws PeerError when the job has failed.
  virtual bool peer_ended(Rank) { return false; }

 private:
  friend class InternalMessages;
  Pending logged(Pending operation, const char* kind, std::int64_t bytes, int peer);
  void require_peer(Rank peer, int tag) const;
  [[noreturn]] void fail_without_progress(std::span<const Pending> operations);

  std::chrono::duration<double> limit_{300.0};
  std::int64_t collectives_ = 0;
  Traffic traffic_;
  OperationLog log_;
};

/// Blocking collectives, right for counts above 2³¹; each is `start` + `wait`, so it times out with names.
void barrier(Communicator& comm, const char* what);
void broadcast(Communicator& comm, std::span<std::byte> bytes, Rank root, const char* what);
void all_reduce_sum(Communicator& comm, std::span<float> values, const char* what);
void all_reduce_sum(Communicator& comm, std::span<double> values, const char* what);
double all_reduce_sum(Communicator& comm, double value, const char* what);
std::int64_t all_reduce_sum(Communicator& comm, std::int64_t value, const char* what);
double all_reduce_max(Communicator& comm, double value, const char* what);
std::int64_t all_reduce_max(Communicator& comm, std::int64_t value, const char* what);
/// `all` = the equally long blocks of all ranks, by rank; its size is size() · mine.size().
void all_gather_blocks(Communicator& comm, std::span<const std::byte> mine, std::span<std::byte> all,
                       const char* what);
/// The values of all ranks, by rank.
std::vector<std::int64_t> all_gather(Communicator& comm, std::int64_t value, const char* what);
std::vector<double> all_gather(Communicator& comm, double value, const char* what);
/// The byte strings of all ranks, by rank, of any lengths.
std::vector<std::string> all_gather(Communicator& comm, const std::string& value, const char* what);
/// The byte strings of all ranks, by rank, on `root`; empty elsewhere.
std::vector<std::string> gather(Communicator& comm, const std::string& value, Rank root, const char* what);

/// One code for all ranks: the most telling of theirs (a lost peer is most often the echo of another's
/// failure).
ExitCode agree(Communicator& comm, ExitCode mine);

/// This rank's last operations on this communicator, for the log of a failure.
std::string last_operations(const Communicator& comm);

/// The same for trivially copyable elements.
template <class T>
requires std::is_trivially_copyable_v<T> Pending start_send_values(Communicator& comm,
                                                                   std::span<const T> values, Rank to,
                                                                   int tag, const char* what) {
  return comm.start_send(std::as_bytes(values), to, tag, what);
}
template <class T>
requires std::is_trivially_copyable_v<T> Pending start_receive_values(Communicator& comm, std::span<T> values,
                                                                      Rank from, int tag, const char* what) {
  return comm.start_receive(std::as_writable_bytes(values), from, tag, what);
}
template <class T>
requires std::is_trivially_copyable_v<T>
void broadcast_values(Communicator& comm, std::span<T> values, Rank root, const char* what) {
  broadcast(comm, std::as_writable_bytes(values), root, what);
}

}  // namespace kith
