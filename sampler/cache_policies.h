#pragma once
// The seam where a cache policy is added: its file, its declaration here and its line in cache_policy.cc.
#include <span>

#include "kith/sampler/cache.h"

namespace kith::detail {

/// The `rows` nodes that may be kept of highest score, best first, ties by global id; nodes of score ≤ 0 are
/// left out. `scores` [n], by global id.
Array<GlobalId> top_nodes(std::span<const double> scores, const CacheContext& context, std::int64_t rows);

Array<GlobalId> rank_by_degree(const CacheContext& context, std::int64_t rows);
Array<GlobalId> rank_by_vip(const CacheContext& context, std::int64_t rows);

/// P(node is in a batch of this rank), by global id: what rank_by_vip ranks by.
Array<double> vip_probabilities(const CacheContext& context);

}  // namespace kith::detail
