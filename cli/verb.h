#pragma once
#include <string>
#include <variant>
#include <vector>

#include "kith/comm/communicator.h"
#include "kith/core/settings.h"

namespace kith::cli {

/// What a verb was asked to do.
struct Invocation {
  const Settings& settings;
  std::string command_line;  ///< as typed, for `made_by`
};

/// An argument without a flag; it is a setting too, so that a TOML file may give it.
struct Positional {
  std::string setting;
  std::string label;  ///< as the help shows it: "STORE"
  bool optional = false;
};

using LocalRun = void (*)(const Invocation&);
/// Runs on every MPI rank.
using RankRun = void (*)(Communicator&, const Invocation&);

struct Verb {
  std::string name;
  std::string summary;
  std::string example;
  std::vector<Positional> positionals;
  std::variant<LocalRun, RankRun> run;
  bool listed = true;  ///< in the overview

  bool on_ranks() const { return std::holds_alternative<RankRun>(run); }
};

/// The program's verbs, in the order of use. A verb is added here, and in one file of its name.
const std::vector<Verb>& all_verbs();
/// Throws InputError with the nearest known name.
const Verb& verb_named(const std::string& name);

void run_generate(const Invocation& invocation);
void run_prepare(const Invocation& invocation);
void run_partition(const Invocation& invocation);
void run_inspect(const Invocation& invocation);
void run_verify(const Invocation& invocation);
void run_bench(const Invocation& invocation);
void run_slurm(const Invocation& invocation);
void run_settings(const Invocation& invocation);
void run_train(Communicator& comm, const Invocation& invocation);
void run_evaluate(Communicator& comm, const Invocation& invocation);
void run_infer(Communicator& comm, const Invocation& invocation);
void run_export(const Invocation& invocation);
void run_report(const Invocation& invocation);

}  // namespace kith::cli
