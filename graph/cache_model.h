#pragma once
#include <cstdint>
#include <span>

#include "kith/graph/csr.h"

namespace kith {

/// An aggregation reads, row after row, the feature rows of all in-neighbours: the share of these reads that
/// finds its row among the `rows` different ones read last (a fully associative cache, least recently used
/// out first). 0 without edges. Rows are taken in `order`, all of them once, or as they stand. O(n + m), one
/// thread, 16 bytes a node.
double cached_share(const CsrAny& graph, std::int64_t rows, std::span<const std::int64_t> order = {});

}  // namespace kith
