// A part's halo rows are the distinct foreign sources of its rows: one pass over its edges into a set of n
// bits, part after part, so the whole costs O(m + k n / 64) and n / 8 bytes.
#include "kith/partition/quality.h"

#include <algorithm>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/partition/node_bits.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 1 << 10;

struct Boundary {
  std::int64_t cut_edges = 0, halo_rows = 0;
};

Boundary boundary_of(const CsrAny& graph, const Partitioning& parts, std::span<const StoreId> members,
                     NodeBits& reached) {
  reached.clear();
  Boundary boundary;
  boundary.cut_edges = graph.visit([&](auto csr) {
    const auto cut_of = [&](std::int64_t begin, std::int64_t end) {
      std::int64_t cut = 0;
      for (std::int64_t i = begin; i < end; ++i)
        for (auto source : csr.row(members[i].value()))
          if (parts.assignment[source] != parts.assignment[members[i].value()]) {
            ++cut;
            reached.insert(source);
          }
      return cut;
    };
    const auto count = static_cast<std::int64_t>(members.size());
    return parallel_reduce(0, count, kGrain, std::int64_t{0}, cut_of, std::plus<>());
  });
  boundary.halo_rows = reached.count();
  return boundary;
}

template <class WeightOf>
Balance balance_of(std::string name, const PartLayout& layout, WeightOf weight_of) {
  Balance balance{.name = std::move(name)};
  double total = 0;
  for (int p = 0; p < layout.k(); ++p) {
    const auto sum = static_cast<double>(parallel_reduce(
        layout.first[p], layout.first[p + 1], kGrain, std::int64_t{0},
        [&](std::int64_t begin, std::int64_t end) {
          std::int64_t chunk = 0;
          for (std::int64_t g = begin; g < end; ++g) chunk += weight_of(layout.store_of_global[g].value());
          return chunk;
        },
        std::plus<>()));
    balance.minimum = p == 0 ? sum : std::min(balance.minimum, sum);
    balance.maximum = std::max(balance.maximum, sum);
    total += sum;
  }
  balance.mean = total / layout.k();
  return balance;
}

std::vector<Balance> balances_of(const CsrAny& graph, const PartLayout& layout,
                                 const std::vector<BalanceConstraint>& constraints) {
  std::vector<Balance> balances;
  balances.push_back(balance_of("nodes", layout, [](std::int64_t) { return 1; }));
  balances.push_back(
      balance_of("edges", layout, [&](std::int64_t v) { return graph.indptr[v + 1] - graph.indptr[v]; }));
  for (const BalanceConstraint& constraint : constraints) {
    if (constraint.name == "nodes" || constraint.name == "edges") continue;
    require(constraint.weight.ssize() == graph.n(), "a constraint has a weight per node",
            {{"nodes", graph.n()}, {"weights", constraint.weight.size()}});
    balances.push_back(
        balance_of(constraint.name, layout, [&](std::int64_t v) { return constraint.weight[v]; }));
  }
  return balances;
}

}  // namespace

Quality quality_of(const CsrAny& graph, const Partitioning& partitioning,
                   const std::vector<BalanceConstraint>& constraints) {
  require(partitioning.assignment.ssize() == graph.n(), "the partitioning is of this graph",
          {{"nodes", graph.n()}, {"assigned", partitioning.assignment.size()}});
  const PartLayout layout = layout_of(partitioning);
  NodeBits reached(graph.n());
  Quality quality;
  for (int p = 0; p < partitioning.k; ++p) {
    const auto members = layout.store_of_global.span().subspan(
        static_cast<std::size_t>(layout.first[p]),
        static_cast<std::size_t>(layout.first[p + 1] - layout.first[p]));
    if (members.empty()) ++quality.empty_parts;
    const Boundary boundary = boundary_of(graph, partitioning, members, reached);
    quality.cut_edges += boundary.cut_edges;
    quality.communication_volume += boundary.halo_rows;
    quality.halo_rows.push_back(boundary.halo_rows);
  }
  if (graph.m() > 0)
    quality.cut_fraction = static_cast<double>(quality.cut_edges) / static_cast<double>(graph.m());
  quality.balances = balances_of(graph, layout, constraints);
  return quality;
}

}  // namespace kith
