// Hop by hop: all nodes so far draw, then every neighbour gets its position, in order. The hop's row offsets
// and these positions are the block, so nothing is sorted and no edge list is built.
//
// Where the rows are at hand (PackedRows) the hop goes through in chunks: chunks are drawn in parallel, and
// whichever thread finds the next chunk drawn gives its neighbours their positions, so the two stages overlap
// and the result is that of one thread.
#include "kith/sampler/neighbour_sampler.h"

#include <algorithm>
#include <limits>
#include <variant>

#include "kith/core/error.h"
#include "kith/core/host.h"
#include "kith/sampler/draw_rows.h"
#include "kith/sampler/ordered_chunks.h"
#include "kith/sampler/relabelling.h"

namespace kith {
namespace {

bool direct_table_fits(RelabelTable table, std::int64_t nodes) {
  if (table != RelabelTable::automatic) return table == RelabelTable::direct;
  return nodes <= memory_available_bytes() / 8 / static_cast<std::int64_t>(sizeof(std::uint32_t));
}

/// The first `used` elements in an array with room for `size`.
Array<GlobalId> grown(const Array<GlobalId>& nodes, std::int64_t size) {
  Array<GlobalId> larger(static_cast<std::size_t>(size));
  std::copy(nodes.begin(), nodes.end(), larger.begin());
  return larger;
}

constexpr std::int64_t kLeastChunkRows = 512;

}  // namespace

bool samples_on_devices(const SamplerOptions& options, const PackedRows* rows) {
  return rows != nullptr && std::all_of(options.fanouts.begin(), options.fanouts.end(),
                                        [](std::int64_t f) { return f <= DeviceSampler::kMostDraws; });
}

struct NeighbourSampler::Relabelling {
  std::variant<HashTable, DirectTable> table;
};

/// What one hop needs besides its block, kept from batch to batch.
struct NeighbourSampler::Scratch {
  Array<std::int32_t> drawn, counts, seed_positions;

  static std::int32_t* room(Array<std::int32_t>& array, std::int64_t size) {
    if (array.ssize() < size) array = Array<std::int32_t>(static_cast<std::size_t>(size));
    return array.data();
  }
};

NeighbourSampler::NeighbourSampler(Topology& topology, const SamplerOptions& options,
                                   std::int64_t global_nodes)
    : topology_(&topology),
      options_(options),
      global_nodes_(global_nodes),
      relabelling_(std::make_unique<Relabelling>()),
      scratch_(std::make_unique<Scratch>()) {
  require(!options.fanouts.empty(), "a sampler has at least one hop");
  for (const std::int64_t fanout : options.fanouts)
    require(fanout >= -1 && fanout <= std::numeric_limits<std::int32_t>::max(),
            "a fanout is −1 (all) or a number of neighbours", {{"fanout", fanout}});
  if (memory_of(options.on) != nullptr)
    open_device();
  else if (direct_table_fits(options.table, global_nodes))
    relabelling_->table.emplace<DirectTable>(global_nodes);
}

NeighbourSampler::~NeighbourSampler() = default;

void NeighbourSampler::open_device() {
  const PackedRows* rows = topology_->packed_rows(options_.exclude_self);
  if (rows == nullptr)
    throw InputError(
        "batches are drawn on a GPU from packed rows of the whole graph: use --topology replicated, or "
        "--sample-on host");
  if (!samples_on_devices(options_, rows))
    throw InputError(
        with_facts("a GPU draws few neighbours a node: lower the fanout, or use --sample-on host",
                   {{"at most", DeviceSampler::kMostDraws}}));
  device_ = device_sampler(options_.on, *rows);
}

HopRequest NeighbourSampler::request_of(std::size_t hop, std::int64_t step) const {
  return {.fanout = options_.fanouts[hop],
          .replace = options_.replace,
          .exclude_self = options_.exclude_self,
          .key = philox_key(options_.seed, Stream::sampling, hop),
          .step = static_cast<std::uint32_t>(step)};
}

/// Room for `more` nodes behind those there are, and the word that `relabel` writes in vain.
void NeighbourSampler::make_room(std::int64_t more, Array<GlobalId>& nodes) {
  const std::int64_t most = std::min(nodes.ssize() + more, global_nodes_);
  require(most < std::numeric_limits<std::int32_t>::max(),
          "a batch has below 2^31 nodes; lower batch-size or fanout", {{"nodes", most}});
  const std::span<const GlobalId> members = nodes;
  std::visit([&](auto& table) { table.reserve(most, members); }, relabelling_->table);
  nodes = grown(nodes, most + 1);
}

Block NeighbourSampler::sample_hop(const HopRequest& request, Array<GlobalId>& nodes) {
  HopResult drawn = topology_->sample(nodes, request);
  const std::int64_t known = nodes.ssize();
  make_room(drawn.neighbours.ssize(), nodes);
  Block block;
  block.csr.indptr = std::move(drawn.indptr);
  block.csr.indices = Array<std::int32_t>(drawn.neighbours.size());
  block.sources = std::visit(
      [&](auto& table) {
        return relabel(table, std::as_const(drawn.neighbours).span(), nodes, known, block.csr.indices.data());
      },
      relabelling_->table);
  nodes.shrink(static_cast<std::size_t>(block.sources));
  return block;
}

Block NeighbourSampler::sample_packed(const PackedRows& rows, const HopRequest& request,
                                      Array<GlobalId>& nodes) {
  const std::int64_t known = nodes.ssize(), fanout = request.fanout;
  make_room(known * fanout, nodes);
  const std::span<const GlobalId> frontier(nodes.data(), static_cast<std::size_t>(known));
  std::int32_t* drawn = Scratch::room(scratch_->drawn, known * fanout);
  std::int32_t* counts = Scratch::room(scratch_->counts, known);
  Block block{.csr = {Array<std::int64_t>(static_cast<std::size_t>(known) + 1),
                      Array<std::int32_t>(static_cast<std::size_t>(known * fanout))},
              .sources = known};
  block.csr.indptr[0] = 0;
  const std::int64_t size = std::max(kLeastChunkRows, (known + kMostOrderedChunks - 1) / kMostOrderedChunks);
  const auto rows_of = [&](std::int64_t chunk) {
    return std::pair(chunk * size, std::min(known, (chunk + 1) * size));
  };
  const RowDraws draws{rows, fanout, request.replace, request.key, request.step};
  const auto draw = [&](std::int64_t chunk) {
    const auto [begin, end] = rows_of(chunk);
    draw_rows(draws, frontier.subspan(begin, end - begin), counts + begin, drawn + begin * fanout);
  };
  const auto give_positions = [&](std::int64_t chunk) {
    const auto [begin, end] = rows_of(chunk);
    const std::int64_t first = block.csr.indptr[begin];
    for (std::int64_t i = begin; i < end; ++i) block.csr.indptr[i + 1] = block.csr.indptr[i] + counts[i];
    const std::span<const std::int32_t> neighbours(drawn + begin * fanout,
                                                   static_cast<std::size_t>(block.csr.indptr[end] - first));
    block.sources = std::visit(
        [&](auto& table) {
          return relabel(table, neighbours, nodes, block.sources, block.csr.indices.data() + first);
        },
        relabelling_->table);
  };
  for_ordered_chunks((known + size - 1) / size, draw, give_positions);
  block.csr.indices.shrink(static_cast<std::size_t>(block.csr.indptr[known]));
  nodes.shrink(static_cast<std::size_t>(block.sources));
  return block;
}

Batch NeighbourSampler::sample(std::span<const GlobalId> seeds, std::int64_t epoch, std::int64_t step) {
  Batch batch = device_ != nullptr ? sample_on_device(seeds, step) : sample_on_host(seeds, step);
  batch.epoch = epoch;
  batch.step = step;
  batch.global_seeds = static_cast<std::int64_t>(seeds.size());
  return batch;
}

Batch NeighbourSampler::sample_on_device(std::span<const GlobalId> seeds, std::int64_t step) {
  std::vector<HopRequest> hops;
  for (std::size_t hop = 0; hop < options_.fanouts.size(); ++hop) hops.push_back(request_of(hop, step));
  return device_->sample(seeds, hops, options_.facts);
}

Batch NeighbourSampler::sample_on_host(std::span<const GlobalId> seeds, std::int64_t step) {
  Batch batch;
  batch.nodes = Array<GlobalId>(seeds.size() + 1);
  const std::int64_t distinct = std::visit(
      [&](auto& table) {
        table.begin_batch();
        table.reserve(static_cast<std::int64_t>(seeds.size()), {});
        return relabel(table, seeds, batch.nodes, 0,
                       Scratch::room(scratch_->seed_positions, static_cast<std::int64_t>(seeds.size())));
      },
      relabelling_->table);
  require(distinct == static_cast<std::int64_t>(seeds.size()), "the seeds of a batch are distinct",
          {{"seeds", seeds.size()}, {"distinct", distinct}});
  batch.nodes.shrink(seeds.size());
  const PackedRows* rows = topology_->packed_rows(options_.exclude_self);
  for (std::size_t hop = 0; hop < options_.fanouts.size(); ++hop) {
    const HopRequest request = request_of(hop, step);
    const bool vectorised = rows != nullptr && request.fanout >= 1 && request.fanout <= kMostVectorDraws;
    batch.blocks.push_back(vectorised ? sample_packed(*rows, request, batch.nodes)
                                      : sample_hop(request, batch.nodes));
  }
  std::reverse(batch.blocks.begin(), batch.blocks.end());
  if (!options_.facts) return batch;
  batch.store_ids = Array<StoreId>(batch.nodes.size());
  batch.degrees = Array<std::int64_t>(batch.nodes.size());
  if (rows != nullptr)
    rows->describe(batch.nodes, batch.store_ids, batch.degrees);
  else
    topology_->describe(batch.nodes, options_.exclude_self, batch.store_ids, batch.degrees);
  return batch;
}

}  // namespace kith
