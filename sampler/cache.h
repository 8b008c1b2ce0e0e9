#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kith/core/array.h"
#include "kith/sampler/ownership.h"

namespace kith {

/// "none", "degree:10%", "vip:50000", "vip:2GiB": policy and size; 10% is of n/P rows per rank, remote rows
/// only.
struct CacheSpec {
  std::string policy = "none";
  double fraction = -1;    ///< or
  std::int64_t rows = -1;  ///< or
  std::int64_t bytes = -1;
};
/// Throws InputError on an unknown policy (naming the known ones) or a size that is none.
CacheSpec parse_cache_spec(const std::string& text);
/// The rows that a spec means for one of `ranks` ranks of a graph of `nodes` nodes.
std::int64_t cache_rows(const CacheSpec& spec, std::int64_t nodes, int ranks, std::int64_t row_bytes);

/// Whose rows a cache may hold: a rank's, those of other ranks; a GPU's, all.
enum class CachedNodes { remote, all };

/// What the cache's ranking may look at.
struct CacheContext {
  const PartitionedStore& parts;
  const Ownership& ownership;
  Rank rank;
  std::vector<std::int64_t> fanouts;
  std::int64_t batch_size;
  CachedNodes of = CachedNodes::remote;
};
/// The `rows` nodes to keep, remote ones unless the context says all, best first (fewer when there are not so
/// many worth keeping), by policy name. Deterministic.
Array<GlobalId> rank_remote_nodes(const std::string& policy, const CacheContext& context, std::int64_t rows);
/// The names `rank_remote_nodes` knows.
std::vector<std::string> cache_policies();

}  // namespace kith
