#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kith/core/error.h"
#include "kith/core/ids.h"
#include "kith/core/ledger.h"

namespace kith {

/// A message or collective under way. Moves only; must be waited for (or the communicator aborted) before its
/// memory goes.
class Operation {
 public:
  virtual ~Operation() = default;
  /// True once complete; drives progress. Not blocking.
  virtual bool test() = 0;
  /// "receive of 4096 bytes, halo exchange layer 1" and, while incomplete, the ranks it still waits for.
  virtual std::string describe() const = 0;
  virtual std::vector<Rank> waiting_for() const = 0;
};
using Pending = std::unique_ptr<Operation>;

/// A group of ranks that move opaque bytes. Two implementations: MPI (`mpi_world()`) and threads of one process
/// (`ThreadWorld`). Collectives are collective: every rank calls them in the same order. Buffers stay valid until
/// the operation is complete.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual Rank rank() const = 0;
  virtual int size() const = 0;
  virtual const std::string& host_of(Rank rank) const = 0;

  /// Messages between two ranks with one tag arrive in order. Sizes above 2³¹ are right. `what` names the
  /// operation in errors and logs.
  virtual Pending start_send(std::span<const std::byte> bytes, Rank to, int tag, const char* what) = 0;
  virtual Pending start_receive(std::span<std::byte> bytes, Rank from, int tag, const char* what) = 0;
  /// values[i] becomes Σ over ranks; the same bits on every rank and in every run with the same size().
  virtual Pending start_all_reduce_sum(std::span<float> values, const char* what) = 0;
  virtual Pending start_all_reduce_sum(std::span<double> values, const char* what) = 0;

  /// Another communicator of the same ranks whose messages never meet this one's. Collective. A thread of its own
  /// (the prefetch pipeline) needs one.
  virtual std::unique_ptr<Communicator> duplicate() = 0;
  /// Ends the whole job with this code; does not return.
  [[noreturn]] virtual void abort(ExitCode code) = 0;

  /// Waits by test + yield. Throws PeerError that names `what`, the missing ranks and their hosts after
  /// `no_progress_limit` without completion.
  void wait(Pending operation);
  void wait_all(std::vector<Pending> operations);
  void set_no_progress_limit(std::chrono::duration<double> limit) { limit_ = limit; }
  std::chrono::duration<double> no_progress_limit() const { return limit_; }

 private:
  std::chrono::duration<double> limit_{300.0};
};

/// Blocking collectives, right for counts above 2³¹; each is `start` + `wait`, so it times out with names.
void barrier(Communicator& comm, const char* what);
void broadcast(Communicator& comm, std::span<std::byte> bytes, Rank root, const char* what);
void all_reduce_sum(Communicator& comm, std::span<float> values, const char* what);
void all_reduce_sum(Communicator& comm, std::span<double> values, const char* what);
double all_reduce_sum(Communicator& comm, double value, const char* what);
double all_reduce_max(Communicator& comm, double value, const char* what);
std::int64_t all_reduce_max(Communicator& comm, std::int64_t value, const char* what);
/// The values of all ranks, by rank.
std::vector<std::int64_t> all_gather(Communicator& comm, std::int64_t value, const char* what);
/// The byte strings of all ranks, by rank, of any lengths.
std::vector<std::string> all_gather(Communicator& comm, const std::string& value, const char* what);

}  // namespace kith
