#include "kith/cli/program.h"

#include <cstdio>
#include <span>

#include <fmt/format.h>

#include "kith/cli/command_line.h"
#include "kith/cli/help.h"
#include "kith/cli/run_on_ranks.h"
#include "kith/cli/schema.h"
#include "kith/comm/failure.h"
#include "kith/core/host.h"
#include "kith/core/parallel.h"

namespace kith::cli {
namespace {

/// `--threads`, or every core this process may use.
int thread_limit(const Settings& settings) {
  const bool given = settings.has_value("threads") && settings.integer("threads") > 0;
  return given ? static_cast<int>(settings.integer("threads")) : affinity_cores();
}

void run_here(const Schema& schema, const Verb& verb, const std::vector<std::string>& arguments,
              const std::string& command_line) {
  if (asks_for_help(arguments)) {
    fmt::print("{}", help_of(schema, verb));
    return;
  }
  const Settings settings = parsed_settings(schema, verb, arguments);
  const ThreadLimit limit(thread_limit(settings));
  std::get<LocalRun>(verb.run)({settings, command_line});
}

void print_version(std::span<const std::string> arguments) {
  const bool details = arguments.size() > 1 && arguments[1] == "--verbose";
  if (arguments.size() > (details ? 2 : 1))
    throw InputError(fmt::format("unexpected argument \"{}\" after --version", arguments[1]));
  fmt::print("{}", details ? version_details() : version_text());
}

/// Everything but the verbs; true when it was one of these.
bool answered(const std::vector<std::string>& arguments) {
  if (arguments.empty()) throw InputError("no verb is given\n\n" + overview());
  if (arguments[0] == "--version") {
    print_version(arguments);
    return true;
  }
  if (arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help") {
    fmt::print("{}", overview());
    return true;
  }
  return false;
}

}  // namespace

ExitCode run_program(int& argc, char**& argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  ExitCode code = ExitCode::done;
  const auto failure = failure_of([&] {
    if (answered(arguments)) return;
    const Verb& verb = verb_named(arguments[0]);
    const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
    const Schema schema = program_schema();
    const std::string command_line = quoted_command(arguments);
    if (verb.on_ranks())
      code = run_on_ranks(schema, verb, {rest, command_line}, argc, argv);
    else
      run_here(schema, verb, rest, command_line);
  });
  if (failure) {
    report(*failure);
    code = failure->code;
  }
  std::fflush(stdout);
  return code;
}

}  // namespace kith::cli
