#pragma once
// The sampler a second time, as its definition reads: sets and maps over store ids, one node at a time.
#include <map>
#include <set>
#include <vector>

#include "sampler/random_store.h"

#include "kith/sampler/batch.h"
#include "kith/sampler/neighbour_sampler.h"

namespace kith::test {

/// One hop: the row of every destination, in store ids and slot order.
using ReferenceHop = std::vector<std::vector<std::int64_t>>;

struct ReferenceBatch {
  std::vector<std::int64_t> nodes;  ///< store ids in batch order
  std::vector<ReferenceHop> hops;   ///< hop 0 is the seeds' own
  std::vector<std::int64_t> sources;
};

inline std::uint64_t reference_random(PhiloxKey key, std::int64_t node, std::int64_t step, std::int64_t i) {
  const auto id = static_cast<std::uint64_t>(node);
  const PhiloxWords words =
      philox4x32_10({static_cast<std::uint32_t>(id), static_cast<std::uint32_t>(id >> 32),
                     static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(i / 2)},
                    key);
  const int low = i % 2 == 0 ? 0 : 2;
  return words[low] + (std::uint64_t{words[low + 1]} << 32);
}

/// ⌊random · bound / 2⁶⁴⌋ by halves.
inline std::int64_t reference_below(std::uint64_t random, std::int64_t bound) {
  const auto b = static_cast<std::uint64_t>(bound);
  const std::uint64_t low = (random & 0xffffffff) * b, high = (random >> 32) * b;
  return static_cast<std::int64_t>((high + (low >> 32)) >> 32);
}

inline std::vector<std::int64_t> reference_row(const RandomStore& store, const SamplerOptions& options,
                                               std::size_t hop, std::int64_t node, std::int64_t step) {
  std::vector<std::int64_t> candidates;
  for (const std::int64_t u : store.rows[node])
    if (!(options.exclude_self && u == node)) candidates.push_back(u);
  const std::int64_t d = static_cast<std::int64_t>(candidates.size()), f = options.fanouts[hop];
  if (f == -1 || d == 0 || (!options.replace && f >= d)) return candidates;
  const PhiloxKey key = philox_key(options.seed, Stream::sampling, hop);
  std::vector<std::int64_t> row;
  std::set<std::int64_t> taken;
  for (std::int64_t i = 0; i < f; ++i) {
    const std::int64_t j = d - f + i;
    const std::uint64_t random = reference_random(key, node, step, i);
    std::int64_t t = reference_below(random, options.replace ? d : j + 1);
    if (!options.replace && taken.count(t) > 0) t = j;
    taken.insert(t);
    row.push_back(candidates[t]);
  }
  return row;
}

inline ReferenceBatch reference_batch(const RandomStore& store, const SamplerOptions& options,
                                      const std::vector<std::int64_t>& seeds, std::int64_t step) {
  ReferenceBatch batch{seeds, {}, {}};
  std::set<std::int64_t> known(seeds.begin(), seeds.end());
  for (std::size_t hop = 0; hop < options.fanouts.size(); ++hop) {
    ReferenceHop rows;
    for (const std::int64_t node : batch.nodes)
      rows.push_back(reference_row(store, options, hop, node, step));
    for (const auto& row : rows)
      for (const std::int64_t u : row)
        if (known.insert(u).second) batch.nodes.push_back(u);
    batch.hops.push_back(rows);
    batch.sources.push_back(static_cast<std::int64_t>(batch.nodes.size()));
  }
  return batch;
}

/// The train store ids in the order of an epoch.
inline std::vector<std::int64_t> reference_order(const RandomStore& store, std::uint64_t seed,
                                                 std::int64_t epoch) {
  std::multimap<std::uint64_t, std::int64_t> by_key;  // equal keys keep insertion order: ascending store ids
  for (const std::int64_t t : store.train)
    by_key.emplace(reference_random(philox_key(seed, Stream::batches, 0), t, epoch, 0), t);
  std::vector<std::int64_t> order;
  for (const auto& [key, t] : by_key) order.push_back(t);
  return order;
}

/// What a batch holds, in the reference's terms.
inline ReferenceBatch in_store_ids(const Batch& batch) {
  ReferenceBatch out;
  for (const StoreId id : batch.store_ids) out.nodes.push_back(id.value());
  for (auto block = batch.blocks.rbegin(); block != batch.blocks.rend(); ++block) {
    ReferenceHop rows;
    for (std::int64_t i = 0; i < block->destinations(); ++i) {
      rows.emplace_back();
      for (const std::int32_t u : block->csr.view().row(i)) rows.back().push_back(out.nodes[u]);
    }
    out.hops.push_back(rows);
    out.sources.push_back(block->sources);
  }
  return out;
}

/// All (hop, destination, source) of a batch.
using BatchEdges = std::set<std::tuple<std::size_t, std::int64_t, std::int64_t>>;
inline void add_edges(BatchEdges& edges, const ReferenceBatch& batch) {
  for (std::size_t hop = 0; hop < batch.hops.size(); ++hop)
    for (std::size_t i = 0; i < batch.hops[hop].size(); ++i)
      for (const std::int64_t u : batch.hops[hop][i]) edges.emplace(hop, batch.nodes[i], u);
}

inline bool operator==(const ReferenceBatch& a, const ReferenceBatch& b) {
  return a.nodes == b.nodes && a.hops == b.hops && a.sources == b.sources;
}

}  // namespace kith::test
