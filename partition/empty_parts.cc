#include "kith/partition/empty_parts.h"

#include <algorithm>
#include <queue>
#include <utility>

namespace kith {
namespace {

using Sized = std::pair<std::int64_t, int>;  // nodes, −part: of equals the lowest part comes first

Array<std::int64_t> sizes_of(const Partitioning& partitioning) {
  Array<std::int64_t> count(static_cast<std::size_t>(partitioning.k), 0);
  for (const Part part : partitioning.assignment) ++count[part.value()];
  return count;
}

std::vector<std::vector<std::int64_t>> members_of(const Partitioning& partitioning) {
  std::vector<std::vector<std::int64_t>> members(static_cast<std::size_t>(partitioning.k));
  for (std::int64_t v = 0; v < partitioning.assignment.ssize(); ++v)
    members[partitioning.assignment[v].value()].push_back(v);
  return members;
}

template <class Index>
std::size_t loosest(CsrView<Index> graph, const Partitioning& partitioning,
                    const std::vector<std::int64_t>& nodes) {
  std::size_t best = 0;
  std::int64_t fewest = graph.m() + 1;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    std::int64_t inside = 0;
    for (auto u : graph.row(nodes[i]))
      inside += partitioning.assignment[u] == partitioning.assignment[nodes[i]];
    if (inside < fewest) fewest = inside, best = i;
  }
  return best;
}

}  // namespace

bool has_empty_part(const Partitioning& partitioning) {
  const Array<std::int64_t> count = sizes_of(partitioning);
  return std::find(count.begin(), count.end(), 0) != count.end();
}

template <class Index>
std::int64_t fill_empty_parts(CsrView<Index> graph, Partitioning& partitioning) {
  std::vector<int> empty;
  const Array<std::int64_t> count = sizes_of(partitioning);
  for (int p = 0; p < partitioning.k; ++p)
    if (count[p] == 0) empty.push_back(p);
  if (empty.empty()) return 0;

  auto members = members_of(partitioning);
  std::priority_queue<Sized> largest;
  for (int p = 0; p < partitioning.k; ++p) largest.push({count[p], -p});
  std::int64_t filled = 0;
  for (const int target : empty) {
    const auto [nodes, donor] = largest.top();
    if (nodes < 2) break;
    largest.pop();
    auto& giving = members[-donor];
    const std::size_t chosen = loosest(graph, partitioning, giving);
    partitioning.assignment[giving[chosen]] = Part(target);
    giving.erase(giving.begin() + static_cast<std::ptrdiff_t>(chosen));
    largest.push({nodes - 1, donor});
    ++filled;
  }
  return filled;
}

template std::int64_t fill_empty_parts(CsrView<std::int32_t>, Partitioning&);
template std::int64_t fill_empty_parts(CsrView<std::int64_t>, Partitioning&);

}  // namespace kith
