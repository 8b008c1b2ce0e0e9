#pragma once
#include <functional>
#include <memory>
#include <string>

#include "kith/comm/communicator.h"

namespace kith {

/// MPI for the life of the process (MPI_THREAD_MULTIPLE, MPI_ERRORS_RETURN): made once, first thing in
/// `main`. Throws InputError in a Slurm step of several tasks where MPI came up with one (the fix is in the
/// message).
class MpiEnvironment {
 public:
  MpiEnvironment(int& argc, char**& argv);
  /// Finalises, in bounded time, but where MPI is known to hang in it; when an exception is under way it ends
  /// the whole job instead.
  ~MpiEnvironment();
  MpiEnvironment(const MpiEnvironment&) = delete;
  MpiEnvironment& operator=(const MpiEnvironment&) = delete;

  /// A duplicate of MPI_COMM_WORLD. Collective.
  std::unique_ptr<Communicator> world();
  /// What this process is about to return: its code if MPI does not finalise in time.
  void set_exit_code(ExitCode code) { exit_code_ = code; }
  static std::string library_version();

 private:
  int exceptions_;
  ExitCode exit_code_ = ExitCode::done;
  bool several_hosts_ = false;
};

/// Why an MPI world of this size cannot be meant, given the environment variables: a step of several Slurm
/// tasks of which each came up alone. Empty when all is well.
std::string singleton_error(int mpi_size, const std::function<const char*(const char*)>& environment);

/// Faults that a thread world injects, each a pure function of (seed, from, to, message number). A late
/// message arrives after at most 48 test() calls of its sender and receiver together; only a drop or a stall
/// loses one.
struct Faults {
  std::uint64_t seed = 0;
  double delay_probability = 0;    ///< a message arrives some test() calls later
  double reorder_probability = 0;  ///< it lets another that the receiver waits for too overtake it
  double drop_probability = 0;     ///< it never arrives
  double corrupt_probability = 0;  ///< one bit of it is another, of messages named `corrupted`
  const char* corrupted = "";
  int stalled_rank = -1;  ///< this rank's messages stop after `stall_after` messages
  std::int64_t stall_after = 0;
};

/// Runs body(comm) on `ranks` threads of this process that share a communicator world. When a body throws,
/// the others' operations throw PeerError ("rank r ended: …"), and once all have ended the exception of the
/// lowest rank that was not such an echo is thrown. A send completes only when it is received. For tests, and
/// for anything that wants ranks without a launcher. So many consecutive ranks say that they share a host; 0:
/// all do.
void run_thread_ranks(int ranks, const std::function<void(Communicator&)>& body, const Faults& faults = {},
                      int ranks_per_host = 0);

/// A table of rank, host, process, cores and threads; the text is the same on every rank. Collective.
std::string rank_table(Communicator& comm, int threads);

/// max(1, cores in the affinity mask ÷ ranks of this host whose masks share cores with it). Collective.
int default_threads(Communicator& comm);

}  // namespace kith
