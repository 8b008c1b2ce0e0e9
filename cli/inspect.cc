#include "kith/datasets/inspect.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kith/cli/schema.h"
#include "kith/cli/tables.h"
#include "kith/cli/verb.h"
#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/core/progress.h"
#include "kith/exec/data_page.h"
#include "kith/exec/memory_estimate.h"
#include "kith/exec/read_summary.h"
#include "kith/exec/settings.h"

namespace kith::cli {
namespace {

/// A finished run: what `kith train` reported; another: its last epoch.
void print_run(const std::filesystem::path& run, bool as_json) {
  const std::string summary = run_summary_json(run);
  if (as_json || !std::filesystem::exists(run / "summary.json")) {
    fmt::print("{}", as_json ? summary : facts_text(summary));
  } else {
    fmt::print("{}{}", settings_line(summary), report_table(summary_of_json(summary)));
  }
}

/// With the settings that `kith train` has by default.
std::vector<ModelMemory> memory_of(const PartitionedStore& parts, int ranks) {
  const Schema schema = program_schema();
  const Settings defaults(schema, "train");
  return memory_by_model(parts, ranks, train_options(defaults), model_options(defaults));
}

const char* name_of(Regime regime) { return regime == Regime::full_graph ? "full-graph" : "mini-batch"; }

/// The description with a table of the memory.
Description with_memory(Description description, const std::vector<ModelMemory>& memory, int ranks) {
  if (memory.empty()) return description;
  auto json = nlohmann::ordered_json::parse(description.json);
  std::int64_t most = 0;
  for (const ModelMemory& one : memory) most = std::max(most, one.memory.total());
  DescribedTable table{fmt::format("memory to train with the default settings, {} rank{}", ranks,
                                   ranks == 1 ? "" : "s, the one with the most rows"),
                       {"model", "regime", "peak", "without pages"},
                       {},
                       {}};
  json["memory_ranks"] = ranks;
  for (const ModelMemory& one : memory) {
    table.rows.push_back({one.model, name_of(one.regime),
                          human_bytes(static_cast<double>(one.memory.total())),
                          human_bytes(static_cast<double>(needed_bytes(one.memory)))});
    table.bars.push_back(static_cast<double>(one.memory.total()) / static_cast<double>(most));
    json["memory"].push_back({{"model", one.model},
                              {"regime", name_of(one.regime)},
                              {"peak_bytes", one.memory.total()},
                              {"needed_bytes", needed_bytes(one.memory)}});
  }
  description.json = json.dump(2);
  description.tables.push_back(std::move(table));
  return description;
}

void inspect_data(const std::filesystem::path& path, const Settings& settings) {
  Description description = description_of_folder(path);
  const PartitionedStore parts = open_data(path);
  const auto asked = static_cast<int>(settings.integer("estimate-ranks"));
  const int ranks = asked > 0 ? asked : parts.k();
  const std::vector<ModelMemory> memory = memory_of(parts, ranks);
  if (settings.has_value("html")) {
    write_text_file(settings.text("html"), data_page(description.json, memory, ranks));
  }
  description = with_memory(std::move(description), memory, ranks);
  fmt::print("{}", settings.boolean("json") ? with_newline(description.json) : text_of(description));
  if (settings.has_value("html") && !settings.boolean("json"))
    fmt::print("\nwrote {}\n", settings.text("html"));
}

}  // namespace

void run_inspect(const Invocation& invocation) {
  const std::filesystem::path path = invocation.settings.text("path");
  const bool json = invocation.settings.boolean("json");
  const FolderKind kind = folder_kind(path);
  if (kind == FolderKind::none)
    throw InputError(path.string() + (std::filesystem::exists(path)
                                          ? ": neither a store, a partitioned store nor a run"
                                          : ": not there"));
  if (kind == FolderKind::run) {
    if (invocation.settings.has_value("html"))
      throw InputError(path.string() + ": a run has its page already: report.html, or kith report");
    print_run(path, json);
    return;
  }
  inspect_data(path, invocation.settings);
}

}  // namespace kith::cli
