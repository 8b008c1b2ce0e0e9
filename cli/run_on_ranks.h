#pragma once
#include <string>
#include <vector>

#include "kith/cli/verb.h"
#include "kith/core/error.h"

namespace kith::cli {

struct CommandLine {
  const std::vector<std::string>& arguments;  ///< after the verb
  const std::string& text;
};

/// Runs a verb under MPI. Every rank judges the settings, and all leave with one code when any refuses them.
/// A failure in the work itself is printed by the rank it happened on, which ends the job, so that no other
/// waits.
ExitCode run_on_ranks(const Schema& schema, const Verb& verb, const CommandLine& line, int& argc,
                      char**& argv);

}  // namespace kith::cli
