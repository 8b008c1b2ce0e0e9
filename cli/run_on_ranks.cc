// Settings are judged before any message, so there the ranks can still agree; later, the failing rank ends
// the job.
#include "kith/cli/run_on_ranks.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "kith/cli/command_line.h"
#include "kith/cli/help.h"
#include "kith/comm/failure.h"
#include "kith/comm/world.h"
#include "kith/core/log.h"

namespace kith::cli {
namespace {

/// Every rank's settings, or the code with which all of them leave.
ExitCode judge_settings(Communicator& comm, const std::function<void()>& parse) {
  const auto failure = failure_of(parse);
  const auto mine = static_cast<std::int64_t>(failure ? failure->code : ExitCode::done);
  const std::vector<std::int64_t> codes = all_gather(comm, mine, "agree on the settings");
  const auto first = std::find_if(codes.begin(), codes.end(), [](std::int64_t code) { return code != 0; });
  if (first == codes.end()) return ExitCode::done;
  if (first - codes.begin() == comm.rank().value()) report(*failure, comm);
  return static_cast<ExitCode>(*first);
}

ExitCode run_with(Communicator& comm, const Schema& schema, const Verb& verb, const CommandLine& line) {
  if (asks_for_help(line.arguments)) {
    if (comm.rank().value() == 0) fmt::print("{}", help_of(schema, verb));
    return ExitCode::done;
  }
  std::optional<Settings> settings;
  const ExitCode judged =
      judge_settings(comm, [&] { settings.emplace(parsed_settings(schema, verb, line.arguments)); });
  if (judged != ExitCode::done) return judged;
  const auto failure = failure_of([&] { std::get<RankRun>(verb.run)(comm, {*settings, line.text}); });
  return failure ? end_job(comm, *failure) : ExitCode::done;
}

}  // namespace

ExitCode run_on_ranks(const Schema& schema, const Verb& verb, const CommandLine& line, int& argc,
                      char**& argv) {
  MpiEnvironment mpi(argc, argv);
  const std::unique_ptr<Communicator> comm = mpi.world();
  log::open({.rank = comm->rank().value(), .ranks = comm->size()});
  const ExitCode code = run_with(*comm, schema, verb, line);
  mpi.set_exit_code(code);
  return code;
}

}  // namespace kith::cli
