#include "kith/exec/train.h"

#include <fmt/format.h>

#include "kith/cli/rank_work.h"
#include "kith/cli/verb.h"
#include "kith/comm/operation_file.h"
#include "kith/comm/world.h"
#include "kith/core/log.h"
#include "kith/exec/settings.h"

namespace kith::cli {

void run_train(Communicator& comm, const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::filesystem::path run = settings.text("output");
  TrainOptions options = train_options(settings);
  options.command = invocation.command_line;
  const int threads = prepared_threads(comm, settings);
  const ThreadLimit limit(threads);
  // Nothing is written before the data has opened.
  const PartitionedStore parts = open_for_ranks(comm, settings.text("data"), run);
  std::filesystem::create_directories(run);
  log::open({.rank = comm.rank().value(), .ranks = comm.size(), .folder = run});
  if (comm.size() > 1) open_operation_file(run, comm.rank().value());
  const std::string table = rank_table(comm, threads);
  log::info(table.substr(0, table.size() - 1));
  const RunSummary summary = train(comm, parts, run, options, model_factory(settings));
  if (comm.rank().value() == 0) fmt::print("{}wrote {}\n", report_table(summary), run.string());
}

}  // namespace kith::cli
