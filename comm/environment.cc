#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <mpi.h>
#include <unistd.h>

#include "kith/comm/backoff.h"
#include "kith/comm/mpi_communicator.h"
#include "kith/comm/world.h"
#include "kith/core/host.h"

namespace kith {

std::string singleton_error(int mpi_size, const std::function<const char*(const char*)>& environment) {
  const char* tasks = environment("SLURM_STEP_NUM_TASKS");
  // srun gives this to its tasks; in a batch script itself SLURM_NTASKS counts the job, not a step.
  if (tasks == nullptr && environment("SLURM_SRUN_COMM_HOST") != nullptr) tasks = environment("SLURM_NTASKS");
  const bool has_pmi = environment("PMI_RANK") != nullptr || environment("PMI_FD") != nullptr ||
                       environment("PMIX_RANK") != nullptr;
  if (tasks == nullptr || mpi_size > 1 || has_pmi || std::atoi(tasks) <= 1) return {};
  return fmt::format(
      "this Slurm step has {} tasks, but MPI sees only one: each task would run alone. Start it with "
      "'srun --mpi=pmi2 …' (see 'srun --mpi=list'), or with mpiexec",
      tasks);
}

namespace {

constexpr std::chrono::seconds kLastBarrier{5};
constexpr std::chrono::seconds kFinalize{2};

void start_mpi(int& argc, char**& argv) {
  int running = 0, provided = 0;
  MPI_Initialized(&running);
  require(running == 0, "MPI is started once, by the first MpiEnvironment");
  check_mpi(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided), "start MPI");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  require(provided == MPI_THREAD_MULTIPLE, "this MPI has no MPI_THREAD_MULTIPLE", {{"provided", provided}});
}

/// Everybody is here, or it took too long: finalising is best after a barrier, but not worth waiting for.
void try_barrier() {
  MPI_Request request = MPI_REQUEST_NULL;
  if (MPI_Ibarrier(MPI_COMM_WORLD, &request) != MPI_SUCCESS) return;
  Backoff backoff(true);
  const auto deadline = std::chrono::steady_clock::now() + kLastBarrier;
  for (int complete = 0; complete == 0 && std::chrono::steady_clock::now() < deadline; backoff.pause())
    if (MPI_Test(&request, &complete, MPI_STATUS_IGNORE) != MPI_SUCCESS) return;
}

/// MPI_Finalize of MPICH 4.0 can wait for ever over TCP (its disconnects cross). All work is done by now, so
/// a second thread ends the process with its proper code when it takes too long.
void finalize_within(std::chrono::seconds limit, ExitCode code) {
  std::mutex mutex;
  std::condition_variable changed;
  bool finalized = false;
  std::thread watchdog([&] {
    std::unique_lock lock(mutex);
    if (changed.wait_for(lock, limit, [&] { return finalized; })) return;
    std::fflush(nullptr);
    std::_Exit(static_cast<int>(code));
  });
  MPI_Finalize();
  {
    std::lock_guard lock(mutex);
    finalized = true;
  }
  changed.notify_one();
  watchdog.join();
}

}  // namespace

MpiEnvironment::MpiEnvironment(int& argc, char**& argv) : exceptions_(std::uncaught_exceptions()) {
  start_mpi(argc, argv);
  int size = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const std::string error = singleton_error(size, [](const char* name) { return std::getenv(name); });
  if (error.empty()) return;
  MPI_Finalize();
  throw InputError(error);
}

MpiEnvironment::~MpiEnvironment() {
  if (std::uncaught_exceptions() > exceptions_) {
    std::fprintf(stderr, "kith: an exception left MPI's scope on host %s; the job ends\n",
                 host_name().c_str());
    std::fflush(nullptr);
    MPI_Abort(MPI_COMM_WORLD, static_cast<int>(exit_code_ == ExitCode::done ? ExitCode::other : exit_code_));
  }
  try_barrier();
  // Its disconnects cross: of three ranks or more some wait for ever, and of ranks that are ended while
  // others get through the launcher says that they failed (pmodels/mpich PR 6596, after 4.0). Leaving does no
  // harm.
  if (several_hosts_ && library_version().find("MPICH Version:\t4.0") != std::string::npos) return;
  finalize_within(kFinalize, exit_code_);
}

std::unique_ptr<Communicator> MpiEnvironment::world() {
  MPI_Comm copy = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &copy), "duplicate the world");
  MPI_Comm_set_errhandler(copy, MPI_ERRORS_RETURN);
  // Names need messages, so a communicator that does not know them yet gathers them.
  auto unnamed = std::make_shared<MpiHosts>();
  int size = 1;
  MPI_Comm_size(copy, &size);
  unnamed->names.assign(static_cast<std::size_t>(size), "?");
  unnamed->crowded = true;
  MpiCommunicator early(copy, unnamed);
  auto hosts = std::make_shared<MpiHosts>();
  hosts->names = all_gather(early, host_name(), "host names");
  several_hosts_ = std::any_of(hosts->names.begin(), hosts->names.end(),
                               [](const std::string& name) { return name != host_name(); });
  const auto here = std::count(hosts->names.begin(), hosts->names.end(), host_name());
  hosts->crowded = here > affinity_cores();
  MPI_Comm named = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(copy, &named), "duplicate the world");
  auto world = std::make_unique<MpiCommunicator>(named, hosts);
  world->share_memory();
  return world;
}

std::string MpiEnvironment::library_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string whole(text, static_cast<std::size_t>(length));
  return whole.substr(0, whole.find('\n'));
}

}  // namespace kith
