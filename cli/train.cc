#include "kith/exec/train.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kith/cli/rank_work.h"
#include "kith/cli/verb.h"
#include "kith/comm/device_communicator.h"
#include "kith/comm/operation_file.h"
#include "kith/comm/world.h"
#include "kith/core/host.h"
#include "kith/core/log.h"
#include "kith/core/progress.h"
#include "kith/exec/device.h"
#include "kith/exec/halo/protocol.h"
#include "kith/exec/memory_estimate.h"
#include "kith/exec/memory_report.h"
#include "kith/exec/net_probe.h"
#include "kith/exec/protocol_choice.h"
#include "kith/exec/recompute_cost.h"
#include "kith/exec/run_folder.h"
#include "kith/exec/settings.h"

namespace kith::cli {

namespace {

/// `--estimate`: rank 0 speaks for all, since shapes alone tell.
void print_estimate(Communicator& comm, const Settings& settings, const TrainOptions& options) {
  if (comm.rank().value() != 0) return;
  const auto asked = static_cast<int>(settings.integer("estimate-ranks"));
  const int ranks = asked > 0 ? asked : comm.size();
  const PartitionedStore parts = open_data(settings.text("data"));
  const std::vector<MemoryByKind> memory = estimated_memory(parts, ranks, options, model_factory(settings));
  fmt::print("memory that {} needs, {}, on {} rank{}{}\n", options.model_name, settings.text("regime"), ranks,
             ranks == 1 ? "" : "s",
             parts.k() >= ranks
                 ? ""
                 : " of a random cut: an upper bound; `kith partition` it for the figures of its parts");
  fmt::print("{}this host may use {}\n", estimate_table(memory),
             human_bytes(static_cast<double>(memory_limit_bytes())));
}

/// --protocol auto: its free axes become those of the cheapest protocol, or of the run that goes on.
Settings with_chosen_protocol(Communicator& comm, Settings settings, const PartitionedStore& parts,
                              const std::filesystem::path& run) {
  const TrainOptions options = train_options(settings);
  if (options.auto_axes.empty() || comm.size() == 1) return settings;
  std::map<std::string, std::string> chosen;
  if (options.resume != "never") chosen = RunFolder(run).saved_settings();
  if (chosen.empty()) {
    const NetModel net = options.net.empty() ? measured_net(comm) : net_model(options.net);
    const auto costs = predicted_costs(comm, parts, options, model_factory(settings), net);
    if (comm.rank().value() == 0) fmt::print("{}", cost_table(costs, net));
    for (const HaloAxis& axis : kHaloAxes) chosen[axis.name] = costs.front().protocol.*axis.value;
  }
  for (const std::string& axis : options.auto_axes)
    if (chosen.contains(axis)) settings.set(axis, chosen.at(axis), "--protocol auto");
  return settings;
}

/// --plan recompute without a bound: the one that this host and network make worth it, or that of the run
/// that goes on.
Settings with_chosen_bound(Communicator& comm, Settings settings, const PartitionedStore& parts,
                           const std::filesystem::path& run) {
  const TrainOptions options = train_options(settings);
  if (options.protocol.plan != "recompute" || comm.size() == 1 || options.regime != Regime::full_graph)
    return settings;
  std::map<std::string, std::string> chosen;
  if (options.resume != "never") chosen = RunFolder(run).saved_settings();
  if (!chosen.contains("plan")) {
    const NetModel net = options.net.empty() ? measured_net(comm) : net_model(options.net);
    chosen["plan"] = recompute_plan(comm, parts.meta().store, options.protocol, model_factory(settings), net);
    if (comm.rank().value() == 0)
      fmt::print("by the cost of edges, rows and bytes: --plan {}\n", chosen["plan"]);
  }
  settings.set("plan", chosen.at("plan"), "--plan recompute");
  return settings;
}

}  // namespace

void run_train(Communicator& world, const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::unique_ptr<Communicator> emulated = emulated_network(world, settings);
  Communicator& comm = emulated != nullptr ? *emulated : world;
  TrainOptions options = train_options(settings);
  options.command = invocation.command_line;
  if (settings.boolean("explain")) {
    if (comm.rank().value() == 0) fmt::print("{}", explained(options.protocol));
    if (comm.rank().value() == 0 && !options.auto_axes.empty())
      fmt::print("of these the run chooses by its parts: {}\n", fmt::join(options.auto_axes, ", "));
    return;
  }
  const int threads = prepared_threads(comm, settings);
  const ThreadLimit limit(threads);
  if (settings.boolean("estimate")) return print_estimate(comm, settings, options);
  const ChosenDevice device(comm, settings);
  const std::filesystem::path run = settings.text("output");
  // Nothing is written before the data has opened.
  const PartitionedStore parts = open_for_ranks(comm, settings.text("data"), run);
  options =
      train_options(with_chosen_bound(comm, with_chosen_protocol(comm, settings, parts, run), parts, run));
  options.command = invocation.command_line;
  options.on = device.on();
  std::filesystem::create_directories(run);
  log::open({.rank = comm.rank().value(), .ranks = comm.size(), .folder = run});
  if (comm.size() > 1) open_operation_file(run, comm.rank().value());
  const std::string table = rank_table(comm, threads);
  log::info(table.substr(0, table.size() - 1));
  if (memory_of(options.on) != nullptr)
    for (const std::string& name : device_names(comm, options.on)) log::info(name);
  if (&device.ranks() != &comm) log::info("rows and gradients cross GPUs by " + nccl_name());
  const RunSummary summary = train(device.ranks(), parts, run, options, model_factory(settings));
  if (comm.rank().value() == 0) fmt::print("{}wrote {}\n", report_table(summary), run.string());
}

}  // namespace kith::cli
