// A part's rows are the stored rows of its nodes with every source renumbered; stored rows ascend by store id
// and renumbering keeps the position, so a draw means the same edge in every partitioning. The halo is
// collected in a set of n bits: O(edges of the part + n / 64), no sort, and ascending global ids come out
// grouped by owner.
#include "kith/partition/halo.h"

#include <algorithm>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/partition/node_bits.h"

namespace kith {
namespace {

constexpr std::int64_t kRowGrain = 1 << 10;
constexpr std::int64_t kEdgeGrain = 1 << 14;

struct GlobalRange {
  std::int64_t begin, end;
  bool holds(GlobalId node) const { return begin <= node.value() && node.value() < end; }
};

GlobalRange range_of(const PartLayout& layout, Part part) {
  require(0 <= part.value() && part.value() < layout.k(), "a part is in [0, k)",
          {{"part", part.value()}, {"k", layout.k()}});
  return {layout.first[part.value()], layout.first[part.value() + 1]};
}

Array<std::int64_t> row_offsets(std::span<const std::int64_t> indptr, const PartLayout& layout,
                                GlobalRange own) {
  Array<std::int64_t> offsets(static_cast<std::size_t>(own.end - own.begin + 1), 0);
  parallel_for(own.begin, own.end, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t g = begin; g < end; ++g) {
      const std::int64_t v = layout.store_of_global[g].value();
      offsets[g - own.begin] = indptr[v + 1] - indptr[v];
    }
  });
  exclusive_prefix_sum(offsets.data(), offsets.ssize());
  return offsets;
}

Array<GlobalId> members_of(const NodeBits& bits) {
  constexpr std::int64_t kChunk = NodeBits::kWordsPerChunk;
  Array<std::int64_t> first(static_cast<std::size_t>((bits.words() + kChunk - 1) / kChunk), 0);
  parallel_for(0, bits.words(), kChunk,
               [&](std::int64_t begin, std::int64_t end) { first[begin / kChunk] = bits.count(begin, end); });
  Array<GlobalId> members(static_cast<std::size_t>(exclusive_prefix_sum(first.data(), first.ssize())));
  parallel_for(0, bits.words(), kChunk, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t next = first[begin / kChunk];
    bits.for_each(begin, end, [&](std::int64_t node) { members[next++] = GlobalId(node); });
  });
  return members;
}

}  // namespace

PartTopology part_topology(const CsrAny& graph, const PartLayout& layout, Part part) {
  require(graph.n() == layout.store_of_global.ssize(), "the layout is of this graph",
          {{"nodes", graph.n()}, {"nodes of the layout", layout.store_of_global.ssize()}});
  const GlobalRange own = range_of(layout, part);
  PartTopology topology{row_offsets(graph.indptr, layout, own), {}};
  topology.sources = Array<GlobalId>(static_cast<std::size_t>(topology.indptr.back()));
  graph.visit([&](auto csr) {
    parallel_for(own.begin, own.end, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t g = begin; g < end; ++g) {
        GlobalId* next = topology.sources.data() + topology.indptr[g - own.begin];
        for (auto source : csr.row(layout.store_of_global[g].value()))
          *next++ = layout.global_of_store[source];
      }
    });
  });
  return topology;
}

HaloPlan halo_plan(const PartTopology& topology, const PartLayout& layout, Part part) {
  const GlobalRange own = range_of(layout, part);
  NodeBits reached(layout.first.back());
  parallel_for(0, topology.sources.ssize(), kEdgeGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t e = begin; e < end; ++e)
      if (!own.holds(topology.sources[e])) reached.insert(topology.sources[e].value());
  });
  HaloPlan plan{members_of(reached), Array<std::int64_t>(layout.first.size())};
  for (std::size_t q = 0; q < layout.first.size(); ++q)
    plan.by_owner[q] = std::lower_bound(plan.nodes.begin(), plan.nodes.end(), GlobalId(layout.first[q])) -
                       plan.nodes.begin();
  return plan;
}

}  // namespace kith
