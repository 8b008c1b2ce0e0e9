// posix_spawn, never fork: after MPI_Init a forked child shares the network device's pinned pages with its
// parent. The child inherits the message on descriptor 3, its output goes to a memory file, every other
// descriptor is closed, and the variables by which an MPI library would take it for a rank are removed.
#include "kith/partition/metis_process.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kith/core/error.h"
#include "kith/partition/metis_message.h"

namespace kith {
namespace {

namespace fs = std::filesystem;

constexpr const char* kInstead =
    "; use --method ldg, --method random, --method range, or --assignment FILE with another partitioner's "
    "result";

bool starts_with_any(std::string_view variable) {
  for (const char* prefix : {"PMI", "MPI", "HYDRA", "HYDI", "OMPI_", "SLURM_PMI", "SLURM_MPI", "FI_"})
    if (variable.starts_with(prefix)) return true;
  return false;
}

std::vector<char*> environment_without_mpi() {
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (!starts_with_any(*variable)) variables.push_back(*variable);
  variables.push_back(nullptr);
  return variables;
}

void check_spawn(int error, const char* step) {
  if (error != 0)
    throw Error(std::string("kith-metis cannot be started: ") + step + ": " + std::strerror(error));
}

class SpawnPlan {
 public:
  SpawnPlan(int message, int output) {
    check_spawn(posix_spawn_file_actions_init(&actions_), "file actions");
    check_spawn(posix_spawnattr_init(&attributes_), "attributes");
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, 1);
    posix_spawn_file_actions_adddup2(&actions_, output, 2);
    posix_spawn_file_actions_adddup2(&actions_, message, MetisMessage::kDescriptor);
    posix_spawn_file_actions_addclosefrom_np(&actions_, MetisMessage::kDescriptor + 1);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  pid_t start(const fs::path& program) const {
    std::string name = program.string();
    char* arguments[] = {name.data(), nullptr};
    std::vector<char*> environment = environment_without_mpi();
    pid_t child = 0;
    check_spawn(posix_spawn(&child, name.c_str(), &actions_, &attributes_, arguments, environment.data()),
                name.c_str());
    return child;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

struct Ending {
  int status = 0;
  std::int64_t peak_bytes = 0;
};

Ending wait_for(pid_t child) {
  Ending ending;
  struct rusage usage {};
  while (wait4(child, &ending.status, 0, &usage) < 0)
    if (errno != EINTR) check_spawn(errno, "wait");
  ending.peak_bytes = static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
  return ending;
}

std::string last_words(const MemoryFile& output) {
  std::string text = output.tail(300);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text.empty() ? text : "; it said: " + text;
}

MetisMessage::Answer answer_in(const MemoryFile& message) {
  return static_cast<const MetisMessage*>(message.data())->answer;
}

[[noreturn]] void throw_killed(int signal, std::int64_t peak_bytes, const std::string& words) {
  const std::string name = std::string("METIS was ended by ") + strsignal(signal);
  if (signal == SIGKILL)
    throw MemoryError(name + ", as the kernel does when memory runs out (its peak was " +
                      std::to_string(peak_bytes >> 20) + " MiB)" + words + kInstead);
  throw Error(name + words + kInstead);
}

void check_ending(const Ending& ending, const MemoryFile& message, const std::string& words) {
  if (WIFSIGNALED(ending.status)) throw_killed(WTERMSIG(ending.status), ending.peak_bytes, words);
  const auto answer = answer_in(message);
  if (answer == MetisMessage::Answer::out_of_memory)
    throw MemoryError("METIS could not get the memory it needs" + words + kInstead);
  const int status = WEXITSTATUS(ending.status);
  if (status != 0 || answer != MetisMessage::Answer::done)
    throw Error("METIS gave no partitioning (exit status " + std::to_string(status) + ")" + words + kInstead);
}

}  // namespace

fs::path metis_program() {
  if (const char* named = std::getenv("KITH_METIS"); named != nullptr && *named != '\0') return named;
  std::error_code failed;
  const fs::path here = fs::read_symlink("/proc/self/exe", failed).parent_path();
  const fs::path candidates[] = {here / "kith-metis", here.parent_path() / "libexec/kith/kith-metis",
                                 KITH_METIS_INSTALLED, KITH_METIS_BUILT};
  for (const fs::path& candidate : candidates)
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  throw InputError("the program kith-metis is neither beside " + (here / "").string() +
                   " nor where it was installed; set KITH_METIS to its path" + kInstead);
}

std::int64_t run_metis_program(const fs::path& program, const MemoryFile& message) {
  if (access(program.c_str(), X_OK) != 0)
    throw InputError("KITH_METIS names " + program.string() + ", which is no program that can be started");
  const MemoryFile output(0);
  const Ending ending = wait_for(SpawnPlan(message.descriptor(), output.descriptor()).start(program));
  check_ending(ending, message, last_words(output));
  return ending.peak_bytes;
}

}  // namespace kith
