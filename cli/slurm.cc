// The batch script of a run that survives its time limit, preemption and lost nodes: the shell passes signals
// on to the ranks, they checkpoint and leave, and the job is put back into the queue until RUN/DONE is there.
#include <filesystem>

#include <fmt/format.h>

#include "kith/cli/schema.h"
#include "kith/cli/verb.h"

namespace kith::cli {
namespace {

namespace fs = std::filesystem;

/// As a shell takes it.
std::string word(const std::string& text) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-=:,@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == text.npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// An #SBATCH line ends at the end of the line and knows no quotes that could hold one.
std::string on_one_line(const std::string& name, const std::string& value) {
  if (value.find_first_of("\n\"") != value.npos)
    throw InputError(
        fmt::format("--{} {} holds a line break or a quote, which #SBATCH cannot take", name, value));
  return value.find(' ') == value.npos ? value : '"' + value + '"';
}

/// Minutes, or Slurm's forms with hours and days: "90", "1:30:00", "2-12".
std::string time_limit(const Settings& settings) {
  const std::string time = settings.text("time");
  if (time.empty() || time.find_first_not_of("0123456789:-") != time.npos)
    throw InputError(fmt::format("time \"{}\" is not a time limit of Slurm: minutes, H:MM:SS or D-HH", time));
  return time;
}

/// The folder that the run of this file writes; every setting in it is checked on the way.
std::string run_folder(const fs::path& file) {
  const Schema schema = program_schema();
  Settings train(schema, "train");
  train.read_toml(file);
  if (!train.has_value("data")) throw InputError(file.string() + ": names no data");
  if (!train.has_value("output")) throw InputError(file.string() + ": names no output, the run's folder");
  return train.text("output");
}

std::string header(const Settings& settings) {
  return fmt::format(
      "#SBATCH --job-name={}\n"
      "#SBATCH --chdir={}\n"
      "#SBATCH --nodes={}\n"
      "#SBATCH --ntasks-per-node={}\n"
      "#SBATCH --cpus-per-task={}\n"
      "#SBATCH --time={}\n"
      "#SBATCH --requeue\n"
      "#SBATCH --open-mode=append\n"
      "#SBATCH --signal=B:USR1@60\n",
      on_one_line("job-name", settings.text("job-name")), on_one_line("chdir", fs::current_path().string()),
      settings.integer("nodes"), settings.integer("ranks-per-node"), settings.integer("cpus-per-rank"),
      time_limit(settings));
}

constexpr const char* kBody = R"(
run={run}
[ -e "$run/DONE" ] && exit 0

# Signals reach this shell, not the ranks: pass them on. The ranks checkpoint at one step and leave. srun passes
# USR1 on, but would kill the ranks on TERM.
step=
trap '[ -n "$step" ] && kill -USR1 "$step"' USR1 TERM
export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK
srun -K1 --wait=30 --mpi=pmi2 {program} train {file} --resume auto &
step=$!
while :; do
  wait "$step"; code=$?
  kill -0 "$step" 2>/dev/null || break  # a trapped signal ends `wait` early
done

# The marker decides, not the exit code: a step can end with 0 though a rank was lost.
[ -e "$run/DONE" ] && exit 0
case $code in 2|3) exit "$code" ;; esac  # bad input, too little memory: the next try would end alike
# Where the cluster does not requeue jobs that exit with 75 (RequeueExit), ask for it.
scontrol show config | grep -q 'RequeueExit *= *\(.*,\)\?75\b' || scontrol requeue "$SLURM_JOB_ID"
exit 75
)";

}  // namespace

void run_slurm(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string file = settings.text("run-file");
  const std::string folder = run_folder(file);
  fmt::print("#!/bin/bash\n# Made by `{}`. Submit it with sbatch, whose flags win over these.\n{}",
             invocation.command_line, header(settings));
  fmt::print(fmt::runtime(kBody), fmt::arg("run", word(folder)), fmt::arg("file", word(file)),
             fmt::arg("program", word(fs::read_symlink("/proc/self/exe").string())));
}

}  // namespace kith::cli
