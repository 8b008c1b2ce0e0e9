// Hop by hop: the topology draws for all nodes so far, then one ordered pass gives every neighbour its
// position. The hop's row offsets and these positions are the block, so nothing is sorted and no edge list is
// built.
#include "kith/sampler/neighbour_sampler.h"

#include <algorithm>
#include <limits>
#include <variant>

#include "kith/core/error.h"
#include "kith/core/host.h"
#include "kith/sampler/relabelling.h"

namespace kith {
namespace {

bool direct_table_fits(RelabelTable table, std::int64_t nodes) {
  if (table != RelabelTable::automatic) return table == RelabelTable::direct;
  return nodes <= memory_available_bytes() / 8 / static_cast<std::int64_t>(sizeof(std::uint64_t));
}

/// The first `used` elements in an array with room for `size`.
Array<GlobalId> grown(const Array<GlobalId>& nodes, std::int64_t size) {
  Array<GlobalId> larger(static_cast<std::size_t>(size));
  std::copy(nodes.begin(), nodes.end(), larger.begin());
  return larger;
}

}  // namespace

struct NeighbourSampler::Relabelling {
  std::variant<HashTable, DirectTable> table;
};

NeighbourSampler::NeighbourSampler(Topology& topology, const SamplerOptions& options,
                                   std::int64_t global_nodes)
    : topology_(&topology),
      options_(options),
      global_nodes_(global_nodes),
      relabelling_(std::make_unique<Relabelling>()) {
  require(!options.fanouts.empty(), "a sampler has at least one hop");
  for (const std::int64_t fanout : options.fanouts)
    require(fanout >= -1 && fanout <= std::numeric_limits<std::int32_t>::max(),
            "a fanout is −1 (all) or a number of neighbours", {{"fanout", fanout}});
  if (direct_table_fits(options.table, global_nodes)) relabelling_->table.emplace<DirectTable>(global_nodes);
}

NeighbourSampler::~NeighbourSampler() = default;

Block NeighbourSampler::sample_hop(std::size_t hop, std::int64_t step, Array<GlobalId>& nodes) {
  HopResult drawn = topology_->sample(nodes, {.fanout = options_.fanouts[hop],
                                              .replace = options_.replace,
                                              .exclude_self = options_.exclude_self,
                                              .key = philox_key(options_.seed, Stream::sampling, hop),
                                              .step = static_cast<std::uint32_t>(step)});
  const std::int64_t known = nodes.ssize();
  const std::int64_t most = std::min(known + drawn.neighbours.ssize(), global_nodes_);
  require(most < std::numeric_limits<std::int32_t>::max(),
          "a batch has below 2^31 nodes; lower batch-size or fanout", {{"nodes", most}});
  nodes = grown(nodes, most + 1);
  Block block;
  block.csr.indptr = std::move(drawn.indptr);
  block.csr.indices = Array<std::int32_t>(drawn.neighbours.size());
  block.sources = std::visit(
      [&](auto& table) {
        table.reserve(most);
        return relabel(table, drawn.neighbours, nodes, known, block.csr.indices.data());
      },
      relabelling_->table);
  nodes.shrink(static_cast<std::size_t>(block.sources));
  return block;
}

Batch NeighbourSampler::sample(std::span<const GlobalId> seeds, std::int64_t epoch, std::int64_t step) {
  Batch batch;
  batch.epoch = epoch;
  batch.step = step;
  batch.global_seeds = static_cast<std::int64_t>(seeds.size());
  batch.nodes = Array<GlobalId>(seeds.size() + 1);
  const std::int64_t distinct = std::visit(
      [&](auto& table) {
        table.begin_batch();
        table.reserve(static_cast<std::int64_t>(seeds.size()));
        std::vector<std::int32_t> positions(seeds.size());
        return relabel(table, seeds, batch.nodes, 0, positions.data());
      },
      relabelling_->table);
  require(distinct == static_cast<std::int64_t>(seeds.size()), "the seeds of a batch are distinct",
          {{"seeds", seeds.size()}, {"distinct", distinct}});
  batch.nodes.shrink(seeds.size());
  for (std::size_t hop = 0; hop < options_.fanouts.size(); ++hop)
    batch.blocks.push_back(sample_hop(hop, step, batch.nodes));
  std::reverse(batch.blocks.begin(), batch.blocks.end());
  batch.store_ids = Array<StoreId>(batch.nodes.size());
  batch.degrees = Array<std::int64_t>(batch.nodes.size());
  topology_->describe(batch.nodes, options_.exclude_self, batch.store_ids, batch.degrees);
  return batch;
}

}  // namespace kith
