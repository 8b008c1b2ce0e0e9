// A stable counting sort of the nodes by part: chunks count their nodes per part, an exclusive prefix sum
// over (part, chunk) gives every chunk its first slot in every part, and the chunks fill their slots in node
// order. Global ids are therefore part-major and ascending by store id within a part, for any number of
// threads.
#include <algorithm>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/partition/partitioning.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 1 << 16;

struct Chunking {
  std::int64_t nodes, grain, chunks;
};

// A chunk is at least k nodes long, so that the k × chunks table is never longer than n + k.
Chunking chunking_of(std::int64_t nodes, int k) {
  const std::int64_t grain = std::max<std::int64_t>(kGrain, k);
  return {nodes, grain, (nodes + grain - 1) / grain};
}

// slot[part · chunks + chunk]: how many nodes of a part a chunk holds.
Array<std::int64_t> counted(std::span<const Part> assignment, int k, const Chunking& by) {
  Array<std::int64_t> slot(static_cast<std::size_t>(k * by.chunks), 0);
  parallel_for(0, by.nodes, by.grain, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t chunk = begin / by.grain;
    for (std::int64_t v = begin; v < end; ++v) {
      const std::int64_t part = assignment[v].value();
      require(0 <= part && part < k, "an assignment holds parts in [0, k)", {{"part", part}, {"k", k}});
      ++slot[part * by.chunks + chunk];
    }
  });
  return slot;
}

}  // namespace

Part PartLayout::part_of(GlobalId node) const {
  const auto behind = std::upper_bound(first.begin(), first.end(), node.value());
  return Part(static_cast<Part::rep>(behind - first.begin() - 1));
}

PartLayout layout_of(const Partitioning& partitioning) {
  const int k = partitioning.k;
  require(k >= 1, "a partitioning has at least one part", {{"k", k}});
  const std::span<const Part> assignment = partitioning.assignment;
  const Chunking by = chunking_of(partitioning.assignment.ssize(), k);
  Array<std::int64_t> slot = counted(assignment, k, by);
  exclusive_prefix_sum(slot.data(), slot.ssize());

  PartLayout layout{Array<std::int64_t>(static_cast<std::size_t>(k) + 1, by.nodes),
                    Array<StoreId>(assignment.size()), Array<GlobalId>(assignment.size())};
  for (int p = 0; p < k && by.chunks > 0; ++p) layout.first[p] = slot[p * by.chunks];
  parallel_for(0, by.nodes, by.grain, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t chunk = begin / by.grain;
    for (std::int64_t v = begin; v < end; ++v) {
      const std::int64_t global = slot[assignment[v].value() * by.chunks + chunk]++;
      layout.global_of_store[v] = GlobalId(global);
      layout.store_of_global[global] = StoreId(v);
    }
  });
  return layout;
}

}  // namespace kith
