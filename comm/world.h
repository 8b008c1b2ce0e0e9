#pragma once
#include <functional>
#include <memory>

#include "kith/comm/communicator.h"

namespace kith {

/// MPI for the life of the process (MPI_THREAD_MULTIPLE, MPI_ERRORS_RETURN): made once, first thing in `main`.
/// Throws InputError in a Slurm step of several tasks where MPI came up with one (the fix is in the message).
class MpiEnvironment {
 public:
  MpiEnvironment(int& argc, char**& argv);
  ~MpiEnvironment();  ///< finalises, in bounded time; aborts instead when an exception is under way
  MpiEnvironment(const MpiEnvironment&) = delete;
  MpiEnvironment& operator=(const MpiEnvironment&) = delete;

  /// A duplicate of MPI_COMM_WORLD.
  std::unique_ptr<Communicator> world();
  static std::string library_version();
};

/// Faults that a thread world injects, each a pure function of (seed, from, to, message number).
struct Faults {
  std::uint64_t seed = 0;
  double delay_probability = 0;   ///< a message arrives some test() calls later
  double reorder_probability = 0; ///< overtakes others of other tags or peers
  double drop_probability = 0;    ///< never arrives
  int stalled_rank = -1;          ///< this rank's messages stop after `stall_after` messages
  std::int64_t stall_after = 0;
};

/// Runs body(comm) on `ranks` threads of this process that share a communicator world; rethrows the first
/// exception (by rank order) after all have ended. Used by tests and by anything that wants ranks without a launcher.
void run_thread_ranks(int ranks, const std::function<void(Communicator&)>& body, const Faults& faults = {});

/// A table of rank, host, cores and threads; the text is the same on every rank. Collective.
std::string rank_table(Communicator& comm, int threads);

}  // namespace kith
