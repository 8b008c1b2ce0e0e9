#include "kith/sampler/packed_rows.h"

#include <limits>

#include "kith/core/error.h"
#include "kith/core/host.h"
#include "kith/core/parallel.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 4096;
constexpr std::int64_t kAhead = 32;

/// Copies the columns of one row, without `excluded` (−1: none); returns how many. All must lie in [0, n).
template <class Index>
std::int64_t copy_row(std::span<const Index> row, std::int64_t excluded, std::int64_t n, std::int32_t* out) {
  std::int64_t kept = 0;
  bool good = true;
  for (const Index column : row) {
    good &= column >= 0 && column < n;
    out[kept] = static_cast<std::int32_t>(column);
    kept += column != excluded ? 1 : 0;
  }
  if (!good) throw CorruptError(with_facts("a row names nodes that the graph does not have", {{"nodes", n}}));
  return kept;
}

void require_row(std::int64_t begin, std::int64_t end, std::int64_t edges, std::int64_t node) {
  if (begin <= end && begin >= 0 && end <= edges && end - begin < std::numeric_limits<std::uint32_t>::max())
    return;
  throw CorruptError(with_facts("a row begins before it ends, inside the part's edges",
                                {{"global id", node}, {"begin", begin}, {"end", end}, {"edges", edges}}));
}

}  // namespace

bool PackedRows::affordable(const PartitionedStore& parts) {
  return affordable(parts.meta().store.nodes, parts.meta().store.edges);
}

std::int64_t PackedRows::bytes(std::int64_t nodes, std::int64_t edges) {
  return nodes * static_cast<std::int64_t>(sizeof(Row)) +
         edges * static_cast<std::int64_t>(sizeof(std::int32_t));
}

bool PackedRows::affordable(std::int64_t nodes, std::int64_t edges) {
  return nodes < std::numeric_limits<std::int32_t>::max() &&
         bytes(nodes, edges) <= memory_available_bytes() / 16;
}

PackedRows::PackedRows(const PartitionedStore& parts, bool exclude_self)
    : rows_(static_cast<std::size_t>(parts.first().back())) {
  const std::int64_t n = rows_.ssize();
  if (n >= std::numeric_limits<std::int32_t>::max())
    throw InputError(with_facts("rows are packed of graphs of below 2^31 nodes", {{"nodes", n}}));
  std::int64_t edges = 0;
  for (Part part{0}; part.value() < parts.k(); ++part) edges += parts.part(part).indices.size();
  columns_ = Array<std::int32_t>(static_cast<std::size_t>(edges));
  edges = 0;
  for (Part part{0}; part.value() < parts.k(); ++part) {
    const PartView view = parts.part(part);
    const std::int64_t part_edges = view.indices.size();
    view.indices.visit([&]<class Index>(std::span<const Index> columns) {
      parallel_for(0, view.nodes, kGrain, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
          const std::int64_t node = view.first + i, begin = view.indptr[i], end = view.indptr[i + 1];
          require_row(begin, end, part_edges, node);
          // A row keeps its place: what an excluded loop leaves free at its end is never read.
          const std::int64_t degree = copy_row(columns.subspan(begin, end - begin), exclude_self ? node : -1,
                                               n, columns_.data() + edges + begin);
          rows_[node] = {static_cast<std::uint64_t>(edges + begin), static_cast<std::uint32_t>(degree),
                         static_cast<std::uint32_t>(view.store_ids[i])};
        }
      });
    });
    edges += part_edges;
  }
}

PackedRows::PackedRows(CsrView<std::int32_t> graph)
    : rows_(static_cast<std::size_t>(graph.n())), columns_(copy_of(graph.indices)) {
  for (std::int64_t i = 0; i < graph.n(); ++i)
    rows_[i] = {static_cast<std::uint64_t>(graph.indptr[i]), static_cast<std::uint32_t>(graph.degree(i)),
                static_cast<std::uint32_t>(i)};
}

void PackedRows::describe(std::span<const GlobalId> nodes, std::span<StoreId> store_ids,
                          std::span<std::int64_t> degrees) const {
  const auto count = static_cast<std::int64_t>(nodes.size());
  parallel_for(0, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      __builtin_prefetch(&rows_[nodes[std::min(i + kAhead, count - 1)].value()], 0, 2);
      const Row& row = rows_[nodes[i].value()];
      store_ids[i] = StoreId{row.store_id};
      degrees[i] = row.degree;
    }
  });
}

}  // namespace kith
