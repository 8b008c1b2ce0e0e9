#include <algorithm>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/sampler/cache_policies.h"

namespace kith {
namespace {

struct Policy {
  const char* name;
  Array<GlobalId> (*rank)(const CacheContext&, std::int64_t rows);
};

constexpr Policy kPolicies[] = {
    {"none", [](const CacheContext&, std::int64_t) { return Array<GlobalId>(); }},
    {"degree", detail::rank_by_degree},
    {"vip", detail::rank_by_vip},
};

}  // namespace

std::vector<std::string> cache_policies() {
  std::vector<std::string> names;
  for (const Policy& policy : kPolicies) names.emplace_back(policy.name);
  return names;
}

Array<GlobalId> rank_remote_nodes(const std::string& policy, const CacheContext& context, std::int64_t rows) {
  for (const Policy& known : kPolicies)
    if (policy == known.name) return rows > 0 ? known.rank(context, rows) : Array<GlobalId>();
  throw InputError(
      fmt::format("unknown cache policy \"{}\"; known: {}", policy, fmt::join(cache_policies(), ", ")));
}

Array<GlobalId> detail::top_nodes(std::span<const double> scores, const CacheContext& context,
                                  std::int64_t rows) {
  const std::int64_t first = context.ownership.first(context.rank), end = context.ownership.end(context.rank);
  const bool all = context.of == CachedNodes::all;
  std::vector<std::pair<double, std::int64_t>> worth;  // (−score, node): ascending is best first
  for (std::int64_t node = 0; node < static_cast<std::int64_t>(scores.size()); ++node)
    if ((all || node < first || node >= end) && scores[node] > 0) worth.emplace_back(-scores[node], node);
  const std::int64_t kept = std::min(rows, static_cast<std::int64_t>(worth.size()));
  std::partial_sort(worth.begin(), worth.begin() + kept, worth.end());
  Array<GlobalId> best(static_cast<std::size_t>(kept));
  for (std::int64_t i = 0; i < kept; ++i) best[i] = GlobalId{worth[i].second};
  return best;
}

}  // namespace kith
