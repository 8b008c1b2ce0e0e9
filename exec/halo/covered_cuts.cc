#include "kith/exec/halo/covered_cuts.h"

#include <algorithm>
#include <numeric>

namespace kith::halo {
namespace {

std::vector<std::int32_t> owners_of_columns(const HaloPlanner::Owners& owners,
                                            std::span<const GlobalId> halo) {
  constexpr std::int32_t kOwn = -1;
  std::vector<std::int32_t> owner(static_cast<std::size_t>(owners.owned) + halo.size(), kOwn);
  for (std::size_t h = 0; h < halo.size(); ++h)
    owner[static_cast<std::size_t>(owners.owned) + h] = owners.owner(halo[h]).value();
  return owner;
}

}  // namespace

CoveredCuts covered_cuts(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo,
                         const CutRows& rows, const CoverRule& rule) {
  CoveredCuts all{.owner = owners_of_columns(owners, halo)};
  const auto ranks = static_cast<std::int32_t>(owners.rows.comm().size());
  all.edges = cut_edges(
      {.csr = rows.csr, .end = rows.csr.n(), .wanted = rows.wanted, .owner = all.owner, .owners = ranks});
  all.covers.resize(all.edges.size());
  // In the least terms, so that equal costs are the simplest flow.
  const std::int64_t common = std::gcd(rule.costs.destination, rule.costs.source);
  for (std::size_t rank = 0; rank < all.edges.size(); ++rank) {
    if (all.edges[rank].rows.empty()) continue;
    Bipartite graph = all.edges[rank].graph();
    graph.row_cost = rule.costs.destination / common;
    graph.column_cost = rule.costs.source / common;
    all.covers[rank] = rule.cover(graph);
    ++all.pairs;
    all.least += all.covers[rank].method == CoverMethod::minimum ? 1 : 0;
  }
  return all;
}

std::int64_t most_sources_of_a_rank(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo,
                                    CsrView<std::int32_t> csr) {
  const std::vector<std::int32_t> owner = owners_of_columns(owners, halo);
  std::vector<std::int64_t> count(static_cast<std::size_t>(owners.rows.comm().size()));
  std::int64_t most = 0;
  for (std::int64_t row = 0; row < csr.n(); ++row) {
    std::fill(count.begin(), count.end(), 0);
    for (const std::int32_t column : csr.row(row))
      if (owner[column] >= 0) most = std::max(most, ++count[owner[column]]);
  }
  return all_reduce_max(owners.rows.comm(), most, "the longest partial maximum");
}

}  // namespace kith::halo
