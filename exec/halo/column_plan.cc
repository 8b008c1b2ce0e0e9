#include "kith/exec/halo/column_plan.h"

#include <algorithm>
#include <limits>

#include "kith/core/memory_kind.h"
#include "kith/core/parallel.h"
#include "kith/datasets/sound.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 1 << 12;

/// f(global id, its sources) for all rows of a part, in parallel.
template <class F>
void for_rows(const PartView& part, F&& f) {
  part.indices.visit([&](auto indices) {
    parallel_for(0, part.nodes, kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        f(part.first + i, indices.subspan(static_cast<std::size_t>(part.indptr[i]),
                                          static_cast<std::size_t>(part.indptr[i + 1] - part.indptr[i])));
    });
  });
}

Csr32 edges_of(const std::vector<PartView>& parts, std::int64_t nodes, SelfEdges self_edges) {
  const bool drops = self_edges != SelfEdges::as_stored, adds = self_edges == SelfEdges::explicit_edges;
  Csr32 csr{Array<std::int64_t>(static_cast<std::size_t>(nodes) + 1, 0), {}};
  for (const PartView& part : parts)
    for_rows(part, [&](std::int64_t node, auto sources) {
      csr.indptr[node] =
          std::ssize(sources) + (adds ? 1 : 0) - (drops ? std::ranges::count(sources, node) : 0);
    });
  csr.indptr[nodes] = exclusive_prefix_sum(csr.indptr.data(), nodes);
  csr.indices = Array<std::int32_t>(static_cast<std::size_t>(csr.indptr[nodes]));
  for (const PartView& part : parts)
    for_rows(part, [&](std::int64_t node, auto sources) {
      std::int32_t* out = csr.indices.data() + csr.indptr[node];
      for (const auto source : sources)
        if (!drops || source != node) *out++ = static_cast<std::int32_t>(source);
      if (adds) *out = static_cast<std::int32_t>(node);
    });
  return csr;
}

}  // namespace

ColumnPlan::ColumnPlan(const OwnedData& owned, const Ownership& ownership, int ranks, SelfEdges self_edges,
                       Backend on)
    : store_(owned.whole),
      self_edges_(self_edges),
      on_(on),
      self_(owned.rank.value()),
      no_edges_{Array<std::int64_t>(static_cast<std::size_t>(owned.nodes) + 1, 0), {}} {
  for (int rank = 0; rank < ranks; ++rank) first_.push_back(ownership.first(Rank(rank)));
  first_.push_back(ownership.end(Rank(ranks - 1)));
  if (nodes() >= std::numeric_limits<std::int32_t>::max())
    throw InputError(
        with_facts("plan tensor numbers the nodes of the whole graph with 31 bits; use plan cover",
                   {{"nodes", nodes()}}));
}

std::int64_t ColumnPlan::first_column(int rank, std::int64_t cols) const {
  return std::min(cols, rank * width(cols));
}

std::int64_t ColumnPlan::columns(int rank, std::int64_t cols) const {
  return first_column(rank + 1, cols) - first_column(rank, cols);
}

RowCounts ColumnPlan::to_columns(std::int64_t cols) const {
  RowCounts counts;
  for (int rank = 0; rank < ranks(); ++rank) {
    const bool other = rank != self_;
    counts.send.push_back(other && columns(rank, cols) > 0 ? owned(self_) : 0);
    counts.receive.push_back(other && columns(self_, cols) > 0 ? owned(rank) : 0);
  }
  return counts;
}

const WholeGraph& ColumnPlan::whole() const {
  if (whole_) return *whole_;
  const MemoryUse use(MemoryKind::graph);
  const UseMemory host(nullptr);
  auto whole = std::make_unique<WholeGraph>();
  std::vector<PartView> parts;
  whole->ids = Array<StoreId>(static_cast<std::size_t>(nodes()));
  for (Part part{0}; part.value() < store_->k(); ++part) {
    expect_sound(*store_, part);
    parts.push_back(store_->part(part));
    std::ranges::transform(parts.back().store_ids, whole->ids.begin() + parts.back().first,
                           [](std::int64_t id) { return StoreId{id}; });
  }
  whole->csr = edges_of(parts, nodes(), self_edges_);
  whole->graph = std::make_unique<LayerGraph>(
      LayerGraph::Arrays{.csr = whole->csr, .sources = nodes(), .store_ids = whole->ids, .on = on_});
  whole_ = std::move(whole);
  return *whole_;
}

}  // namespace kith
