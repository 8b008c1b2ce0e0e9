#include "kith/datasets/external/prepare_plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/core/progress.h"
#include "kith/datasets/external/edge_sample.h"
#include "kith/datasets/external/external_prepare.h"
#include "kith/datasets/external/memory_budget.h"
#include "kith/datasets/import/formats.h"

namespace kith {
namespace {

/// Program, libraries and thread stacks.
constexpr std::int64_t kBaseBytes = std::int64_t{12} << 20;
constexpr double kDiskBytesPerSecond = 400e6;
constexpr double kSortSecondsPerEdge = 50e-9;

/// What an estimate is made of.
struct Sizes {
  EdgeSample sample;
  std::int64_t both;   ///< 2 when reverses are added
  std::int64_t index;  ///< bytes of a stored id
  Sizes(EdgeSample of, bool undirected)
      : sample(of), both(undirected ? 2 : 1), index(of.nodes < (std::int64_t{1} << 31) ? 4 : 8) {}

  std::int64_t entries() const { return both * sample.edges; }
  std::int64_t weight() const { return sample.weighted ? 4 : 0; }
  std::int64_t user_ids() const { return sample.mapped ? 8 * sample.nodes + sample.name_bytes : 0; }
  std::int64_t store() const { return 8 * sample.nodes + entries() * (index + weight()) + user_ids(); }
  /// Tables of the ids while they are mapped: slots, places, ranks, and the order being made.
  std::int64_t id_tables() const {
    if (!sample.mapped) return 0;
    return sample.names ? 96 * sample.nodes + 5 * sample.name_bytes / 2 : 72 * sample.nodes;
  }
  /// Text that is being parsed, and what it becomes: two batches of texts with their tokens, or a chunk a
  /// thread.
  std::int64_t parsing() const {
    const std::int64_t most =
        sample.names ? std::int64_t{220} << 20 : std::int64_t{14} * thread_count() << 20;
    return std::min(most, 3 * sample.text_bytes);
  }
  double parse_seconds() const {
    return sample.seconds_per_byte * static_cast<double>(sample.text_bytes) / thread_count();
  }
};

double disk_seconds(std::int64_t bytes) { return static_cast<double>(bytes) / kDiskBytesPerSecond; }

PreparePlan in_memory(const Sizes& s) {
  const std::int64_t m = s.sample.edges, pair = 2 * s.index * m;
  const std::int64_t rows = s.entries() * s.index + 8 * s.sample.nodes;
  const std::int64_t held = kBaseBytes + s.parsing() / (s.sample.names ? 8 : 1) + s.user_ids();
  const double sort_seconds = static_cast<double>(s.entries()) * kSortSecondsPerEdge / thread_count();
  PreparePlan plan;
  plan.phases.push_back({"read", kBaseBytes + s.parsing() + s.id_tables() + 2 * pair + 2 * s.weight() * m, 0,
                         0, 1.5 * s.parse_seconds()});
  // The raw edges, the same by ranges of rows, the rows, and the rows without duplicates.
  plan.phases.push_back(
      {"build", held + pair + s.both * pair + 2 * rows + s.weight() * (m + s.entries()), 0, 0, sort_seconds});
  plan.phases.push_back(
      {"write", held + 2 * rows + s.weight() * s.entries(), 0, s.store(), disk_seconds(s.store())});
  return plan;
}

PreparePlan on_disk(const Sizes& s, std::int64_t budget) {
  const std::int64_t spilled = s.entries() * (s.sample.weighted ? 24 : 8);
  const std::int64_t resident = kBaseBytes + 8 * s.sample.nodes + s.id_tables();
  const auto within = [&](std::int64_t bytes) { return std::min(budget, resident + bytes); };
  PreparePlan plan;
  plan.on_disk = true;
  plan.phases.push_back({"survey", within(budget / 4), 0, 0, s.parse_seconds()});
  plan.phases.push_back(
      {"spill", within(budget / 4 + budget / 8), spilled, 0, s.parse_seconds() + disk_seconds(spilled)});
  plan.phases.push_back({"sort", within(std::min(budget / 2, 2 * spilled)), spilled,
                         s.store() - 8 * s.sample.nodes, disk_seconds(spilled + s.store())});
  plan.phases.push_back({"write", resident, 0, s.store(), disk_seconds(8 * s.sample.nodes)});
  return plan;
}

bool is_edge_list(const std::filesystem::path& raw, const PrepareOptions& options) {
  if (options.format != "auto") return options.format == "edge-list";
  return recognises_edge_list(raw, {});
}

std::string bytes_text(std::int64_t bytes) { return human_bytes(static_cast<double>(bytes)); }

}  // namespace

std::int64_t PreparePlan::peak_memory() const {
  std::int64_t peak = 0;
  for (const PhasePlan& phase : phases) peak = std::max(peak, phase.memory_bytes);
  return peak;
}
std::int64_t PreparePlan::temporary_disk() const {
  std::int64_t most = 0;
  for (const PhasePlan& phase : phases) most = std::max(most, phase.temporary_bytes);
  return most;
}
std::int64_t PreparePlan::final_disk() const { return phases.back().disk_bytes; }

PreparePlan plan_prepare(const std::filesystem::path& raw, const PrepareOptions& options) {
  if (!is_edge_list(raw, options))
    throw InputError(fmt::format("{}: --dry-run estimates lists of edges only", raw.string()));
  const Sizes sizes(sample_edges(raw, options.edge_text), options.undirected);
  PreparePlan plan = in_memory(sizes);
  const std::int64_t budget = memory_budget(options.memory_limit);
  if (plan.peak_memory() > budget && external_obstacle(options).empty()) plan = on_disk(sizes, budget);
  plan.budget = budget;
  plan.nodes = sizes.sample.nodes;
  plan.edges = sizes.sample.edges;
  return plan;
}

bool sorts_on_disk(const std::filesystem::path& raw, const PrepareOptions& options) {
  if (!is_edge_list(raw, options)) return false;
  const PreparePlan plan = plan_prepare(raw, options);
  if (!plan.on_disk && plan.peak_memory() > plan.budget)
    throw MemoryError(fmt::format(
        "{}: about {} of memory are needed and {} may be used: {}; --memory-limit sets the bound",
        raw.string(), bytes_text(plan.peak_memory()), bytes_text(plan.budget), external_obstacle(options)));
  return plan.on_disk;
}

std::string describe(const PreparePlan& plan) {
  std::string text =
      fmt::format("about {} nodes and {} edges; edges are sorted {} (limit {})\n",
                  human_count(static_cast<double>(plan.nodes)), human_count(static_cast<double>(plan.edges)),
                  plan.on_disk ? "on disk" : "in memory", bytes_text(plan.budget));
  const auto row = [&](const std::string& name, std::int64_t memory, std::int64_t temporary,
                       std::int64_t disk, double seconds) {
    text += fmt::format("  {:<8}{:>12}{:>12}{:>12}{:>12}\n", name, bytes_text(memory), bytes_text(temporary),
                        bytes_text(disk), human_seconds(seconds));
  };
  text += fmt::format("  {:<8}{:>12}{:>12}{:>12}{:>12}\n", "phase", "memory", "temporary", "store", "time");
  double seconds = 0;
  for (const PhasePlan& phase : plan.phases) {
    row(phase.name, phase.memory_bytes, phase.temporary_bytes, phase.disk_bytes, phase.seconds);
    seconds += phase.seconds;
  }
  row("all", plan.peak_memory(), plan.temporary_disk(), plan.final_disk(), seconds);
  return text;
}

}  // namespace kith
