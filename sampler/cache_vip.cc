// Vertex inclusion probability (SALIENT++, Kaler et al., MLSys'23), for frontiers that keep all nodes so far:
//   P₀(v) = min(1, B / |T|) on this rank's train nodes, 0 elsewhere;
//   P_h(u) = 1 − (1 − P_{h−1}(u)) · Π_{v: u ∈ N(v)} (1 − min(1, f_h / deg v) · P_{h−1}(v)).
// Rows are in-edges, so each destination v spreads one logarithm over its row: log Π is a sum. The events are
// taken as independent, which is the method's approximation. O(L |E|).
#include <algorithm>
#include <cmath>

#include "kith/core/parallel.h"
#include "kith/sampler/cache_policies.h"

namespace kith::detail {
namespace {

void set_seed_probabilities(const CacheContext& context, std::span<double> p) {
  std::int64_t train = 0;
  for (Part part{0}; part.value() < context.parts.k(); ++part)
    train += static_cast<std::int64_t>(context.parts.part(part).split[0].size());
  if (train == 0) return;
  const double chance = std::min(1.0, static_cast<double>(context.batch_size) / static_cast<double>(train));
  for (Part part = context.ownership.first_part(context.rank);
       part < context.ownership.end_part(context.rank); ++part)
    for (const std::int64_t node : context.parts.part(part).split[0]) p[node] = chance;
}

/// missing[u] += log(1 − min(1, fanout / deg v) p[v]) for every edge u → v of a part.
void spread(const PartView& part, std::int64_t fanout, std::span<const double> p, std::span<double> missing) {
  part.indices.visit([&](auto columns) {
    for (std::int64_t i = 0; i < part.nodes; ++i) {
      const std::int64_t begin = part.indptr[i], end = part.indptr[i + 1];
      if (p[part.first + i] == 0 || begin == end) continue;
      const double drawn = static_cast<double>(fanout) / static_cast<double>(end - begin);
      const double log_missing = std::log1p(-(fanout < 0 ? 1.0 : std::min(1.0, drawn)) * p[part.first + i]);
      for (std::int64_t e = begin; e < end; ++e) missing[columns[e]] += log_missing;
    }
  });
}

}  // namespace

Array<double> vip_probabilities(const CacheContext& context) {
  const std::int64_t n = context.ownership.nodes();
  Array<double> p(static_cast<std::size_t>(n), 0.0);
  Array<double> missing(static_cast<std::size_t>(n));
  set_seed_probabilities(context, p);
  for (const std::int64_t fanout : context.fanouts) {
    parallel_for(0, n, 1 << 14, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t v = begin; v < end; ++v) missing[v] = std::log1p(-p[v]);
    });
    for (Part part{0}; part.value() < context.parts.k(); ++part)
      spread(context.parts.part(part), fanout, p, missing);
    parallel_for(0, n, 1 << 14, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t v = begin; v < end; ++v) p[v] = -std::expm1(missing[v]);
    });
  }
  return p;
}

Array<GlobalId> rank_by_vip(const CacheContext& context, std::int64_t rows) {
  const Array<double> p = vip_probabilities(context);
  return top_nodes(p, context, rows);
}

}  // namespace kith::detail
