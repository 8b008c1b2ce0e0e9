// Level by level, each group's induced subgraph by itself, in the order of groups: deterministic, and never
// more than one subgraph beside the graph.
#include "kith/partition/levels.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/graph/builders.h"

namespace kith {
namespace {

constexpr std::int64_t kMostParts = 1 << 20;

[[noreturn]] void refuse(const std::string& text) {
  throw InputError(fmt::format(
      "--levels {}: write NAME=COUNT,…, coarsest first, of at most {} parts in all, as in hosts=2,gpus=4",
      text, kMostParts));
}

PartitionLevel level_of(const std::string& entry, const std::string& text) {
  const std::size_t equals = entry.find('=');
  if (equals == entry.npos || equals == 0) refuse(text);
  const std::string count = entry.substr(equals + 1);
  if (count.empty() || count.size() > 7 || count.find_first_not_of("0123456789") != count.npos) refuse(text);
  return {entry.substr(0, equals), std::stoi(count)};
}

/// The request without its constraints, for another graph.
PartitionRequest request_on(const CsrAny& graph, const PartitionRequest& whole) {
  return {.graph = graph,
          .k = whole.k,
          .objective = whole.objective,
          .seed = whole.seed,
          .imbalance = whole.imbalance,
          .passes = whole.passes};
}

PartitionRequest copied(const PartitionRequest& whole) {
  PartitionRequest request = request_on(whole.graph, whole);
  for (const BalanceConstraint& constraint : whole.constraints)
    request.constraints.push_back({constraint.name, copy_of(constraint.weight)});
  return request;
}

template <class Index>
PartitionRequest part_of_request(const PartitionRequest& whole, const Csr<Index>& graph,
                                 std::span<const std::int64_t> nodes) {
  PartitionRequest request = request_on({graph.indptr.span(), IndexView(graph.indices.span())}, whole);
  for (const BalanceConstraint& constraint : whole.constraints) {
    BalanceConstraint mine{constraint.name, Array<std::int32_t>(nodes.size())};
    for (std::size_t i = 0; i < nodes.size(); ++i) mine.weight[i] = constraint.weight[nodes[i]];
    request.constraints.push_back(std::move(mine));
  }
  return request;
}

std::vector<std::int64_t> members_of(const PartLayout& layout, int part) {
  std::vector<std::int64_t> nodes;
  nodes.reserve(static_cast<std::size_t>(layout.first[part + 1] - layout.first[part]));
  for (std::int64_t g = layout.first[part]; g < layout.first[part + 1]; ++g)
    nodes.push_back(layout.store_of_global[g].value());
  return nodes;
}

void add(PartitionReport& sum, const PartitionReport& one) {
  sum.peak_memory_bytes = std::max(sum.peak_memory_bytes, one.peak_memory_bytes);
  sum.loops_dropped = std::max(sum.loops_dropped, one.loops_dropped);
  sum.duplicates_merged = std::max(sum.duplicates_merged, one.duplicates_merged);
  sum.arcs_added = std::max(sum.arcs_added, one.arcs_added);
  sum.empty_repaired += one.empty_repaired;
}

/// Every part of `result` becomes `request.k`.
void refine(const std::string& method, const PartitionRequest& request, PartitionResult& result) {
  const PartLayout layout = layout_of(result.partitioning);
  for (int part = 0; part < layout.k(); ++part) {
    const std::vector<std::int64_t> nodes = members_of(layout, part);
    request.graph.visit([&](auto stored) {
      const auto inside = induced_subgraph(stored, std::span<const std::int64_t>(nodes));
      const PartitionResult finer = partition(method, part_of_request(request, inside, nodes));
      for (std::size_t i = 0; i < nodes.size(); ++i)
        result.partitioning.assignment[nodes[i]] =
            Part(part * request.k + finer.partitioning.assignment[i].value());
      add(result.report, finer.report);
    });
  }
  result.partitioning.k *= request.k;
}

}  // namespace

std::vector<PartitionLevel> partition_levels(const std::string& text) {
  std::vector<PartitionLevel> levels;
  std::int64_t parts = 1;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    levels.push_back(level_of(text.substr(begin, end - begin), text));
    parts *= levels.back().count;
    if (parts < 1 || parts > kMostParts) refuse(text);
    begin = end + 1;
  }
  return levels;
}

int parts_of(const std::vector<PartitionLevel>& levels) {
  int parts = 1;
  for (const PartitionLevel& level : levels) parts *= level.count;
  return parts;
}

PartitionResult partition_by_levels(const std::string& method, const PartitionRequest& whole,
                                    const std::vector<PartitionLevel>& levels) {
  require(!levels.empty(), "a hierarchy has a level at least", {{"levels", levels.size()}});
  PartitionRequest request = copied(whole);
  const auto begin = std::chrono::steady_clock::now();
  request.imbalance = std::pow(1 + request.imbalance, 1.0 / static_cast<double>(levels.size())) - 1;
  request.k = levels.front().count;
  PartitionResult result = partition(method, request);
  for (std::size_t level = 1; level < levels.size(); ++level) {
    request.k = levels[level].count;
    if (request.k > 1) refine(method, request, result);
  }
  result.report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

std::vector<LevelQuality> qualities_of(const CsrAny& graph, const Partitioning& partitioning,
                                       const std::vector<PartitionLevel>& levels) {
  std::vector<LevelQuality> qualities;
  int groups = 1;
  for (const PartitionLevel& level : levels) {
    groups *= level.count;
    const int parts = partitioning.k / groups;
    Partitioning coarse{groups, copy_of(partitioning.assignment)};
    for (Part& part : coarse.assignment) part = Part(part.value() / parts);
    const Quality quality = quality_of(graph, coarse, {});
    qualities.push_back({level.name, groups, quality.cut_edges, quality.communication_volume});
  }
  return qualities;
}

std::string table_of(const std::vector<LevelQuality>& levels) {
  std::string table;
  for (const LevelQuality& level : levels)
    table += fmt::format("  between {:>5} {:<12}{:>14} cut edges{:>14} rows\n", level.groups, level.name,
                         level.cut_edges, level.communication_volume);
  return table;
}

}  // namespace kith
