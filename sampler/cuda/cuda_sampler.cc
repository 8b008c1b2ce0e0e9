// Hop by hop on the device: the host waits once a hop, for how many edges and nodes it came to, and once for
// the batch. What the host reads too (row ends, columns, ids) is copied back; the copies that are there
// already stay as the host arrays' mirrors.
#include "kith/sampler/cuda/cuda_sampler.h"

#include <algorithm>

#include "kith/core/cuda/pinned.h"
#include "kith/core/error.h"
#include "kith/sampler/cuda/hops.h"

namespace kith::cuda {
namespace {

/// From here on a hop's edges are counted before room is made for them: few nodes have so many neighbours.
constexpr std::int64_t kCountedFanout = 32;

/// The copy of a host array that the device has, as its mirror.
template <class T, class U>
Mirror as_mirror(CudaDevice& device, const Array<T>& host, Array<U> copy) {
  struct Kept {
    Array<U> copy;
    CudaMirror mirror;
  };
  auto kept = std::make_shared<Kept>();
  kept->copy = std::move(copy);
  kept->mirror = CudaMirror(device, host.data(), host.size() * sizeof(T), kept->copy.data());
  return kept;
}

/// An array on the host that `from` is on its way to.
template <class T, class U>
Array<T> on_the_way(CudaDevice& device, const Array<U>& from) {
  static_assert(sizeof(T) == sizeof(U));
  const UseMemory host(nullptr);
  Array<T> copy(from.size());
  device.start_copy(copy.data(), from.data(), from.size() * sizeof(U));
  return copy;
}

struct Hop {
  Array<std::int64_t> indptr;
  Array<std::int32_t> indices;
  std::int64_t sources = 0;
};

class CudaSampler final : public DeviceSampler {
 public:
  CudaSampler(CudaDevice& device, const PackedRows& rows, RowPlace place);
  CudaSampler(CudaDevice& device, const SampledGraph& graph, std::int64_t nodes)
      : device_(&device), graph_(graph) {
    make_table(nodes);
  }
  Batch sample(std::span<const GlobalId> seeds, std::span<const HopRequest> hops, bool facts) override;

 private:
  void make_table(std::int64_t nodes);
  void place_rows(const PackedRows& rows, RowPlace place);
  Array<std::int32_t> begin_batch(std::span<const GlobalId> seeds);
  Hop draw(const HopRequest& request, Array<std::int32_t>& nodes);
  /// Through the table, whose marks are the batch's nodes; returns edges and nodes. Waits.
  std::pair<std::int64_t, std::int64_t> relabelled(Staging& call, Relabelling to);
  void describe_nodes(const Array<std::int32_t>& nodes, bool facts, Batch& batch);

  CudaDevice* device_;
  Array<SamplingRow> rows_;
  Array<std::int32_t> columns_;
  CudaPinnedRange pinned_rows_, pinned_columns_;
  SampledGraph graph_;
  Array<std::uint32_t> table_;
  bool forgotten_ = false;  ///< the table holds no marks
};

CudaSampler::CudaSampler(CudaDevice& device, const PackedRows& rows, RowPlace place) : device_(&device) {
  device.use();
  place_rows(rows, place);
  make_table(std::ssize(rows.all_rows()));
}

void CudaSampler::make_table(std::int64_t nodes) {
  const UseMemory there(device_);
  table_ = Array<std::uint32_t>(static_cast<std::size_t>(nodes));
  // Batches may be made on another stream.
  device_->synchronise("place the graph's rows");
}

void CudaSampler::place_rows(const PackedRows& rows, RowPlace place) {
  const auto nodes = rows.all_rows();
  const auto columns = rows.all_columns();
  const auto bytes = static_cast<std::int64_t>(nodes.size_bytes() + columns.size_bytes());
  const bool here =
      place == RowPlace::device || (place == RowPlace::automatic && bytes <= device_->free_bytes() / 2);
  if (here) {
    const UseMemory there(device_);
    rows_ = copy_of(nodes);
    columns_ = copy_of(columns);
    graph_ = {rows_.data(), columns_.data()};
    return;
  }
  pinned_rows_ = CudaPinnedRange(*device_, nodes.data(), nodes.size_bytes());
  pinned_columns_ = CudaPinnedRange(*device_, columns.data(), columns.size_bytes());
  graph_ = {static_cast<const SamplingRow*>(pinned_rows_.on_device()),
            static_cast<const std::int32_t*>(pinned_columns_.on_device())};
}

std::pair<std::int64_t, std::int64_t> CudaSampler::relabelled(Staging& call, Relabelling to) {
  require(to.known + to.room < std::int64_t{kNoPosition},
          "a hop has below 2^32 neighbours; lower batch-size or fanout", {{"neighbours", to.room}});
  std::int64_t totals[2] = {};
  to.table = table_.data();
  to.totals = call.scratch<std::int64_t>(2);
  relabel(call, to);
  device_->copy(totals, to.totals, sizeof totals);
  return {totals[0], totals[1]};
}

/// The seeds' positions are their order.
Array<std::int32_t> CudaSampler::begin_batch(std::span<const GlobalId> seeds) {
  const auto count = static_cast<std::int64_t>(seeds.size());
  Staging call(Cuda{device_}, "begin a batch", {{"seeds", count}});
  if (!forgotten_) forget_all(call, table_.ssize(), table_.data());
  forgotten_ = false;
  std::vector<std::int32_t> narrow;
  for (const GlobalId seed : seeds) {
    require(seed.value() >= 0 && seed.value() < table_.ssize(), "a seed is a node of the graph",
            {{"seed", seed.value()}});
    narrow.push_back(static_cast<std::int32_t>(seed.value()));
  }
  Array<std::int32_t> nodes(seeds.size());
  const std::int64_t distinct =
      relabelled(call, {.neighbours = call.read(std::span<const std::int32_t>(narrow)),
                        .edges = call.read(std::span<const std::int64_t>(&count, 1)),
                        .room = count,
                        .nodes = nodes.data(),
                        .indices = call.scratch<std::int32_t>(count)})
          .second;
  require(distinct == count, "the seeds of a batch are distinct", {{"seeds", count}, {"distinct", distinct}});
  return nodes;
}

Hop CudaSampler::draw(const HopRequest& request, Array<std::int32_t>& nodes) {
  const std::int64_t known = nodes.ssize();
  Staging call(Cuda{device_}, "sample a hop", {{"nodes", known}, {"fanout", request.fanout}});
  const HopDraws draws{request.fanout, request.replace, request.key, request.step};
  Hop hop;
  hop.indptr = Array<std::int64_t>(static_cast<std::size_t>(known) + 1);
  find_offsets(call, graph_, draws, nodes.span(), hop.indptr.data());
  const std::int64_t* edges = hop.indptr.data() + known;
  std::int64_t room = known * request.fanout;
  if (request.fanout < 0 || request.fanout > kCountedFanout) device_->copy(&room, edges, sizeof room);
  auto* neighbours = call.scratch<std::int32_t>(room);
  draw_neighbours(call, graph_, draws, nodes.span(), hop.indptr.data(), neighbours);
  Array<std::int32_t> grown(static_cast<std::size_t>(known + room));
  device_->start_copy(grown.data(), nodes.data(), nodes.size() * sizeof(std::int32_t));
  hop.indices = Array<std::int32_t>(static_cast<std::size_t>(room));
  const auto [drawn, sources] = relabelled(call, {.neighbours = neighbours,
                                                  .edges = edges,
                                                  .room = room,
                                                  .known = known,
                                                  .nodes = grown.data(),
                                                  .indices = hop.indices.data()});
  hop.indices.shrink(static_cast<std::size_t>(drawn));
  hop.sources = sources;
  grown.shrink(static_cast<std::size_t>(sources));
  nodes = std::move(grown);
  return hop;
}

void CudaSampler::describe_nodes(const Array<std::int32_t>& nodes, bool facts, Batch& batch) {
  Staging call(Cuda{device_}, "describe a batch", {{"nodes", nodes.ssize()}});
  Array<std::int64_t> ids(nodes.size()), store_ids(facts ? nodes.size() : 0),
      degrees(facts ? nodes.size() : 0);
  describe(call, graph_, nodes.span(), {ids.data(), store_ids.data(), degrees.data()});
  forget(call, nodes.span(), table_.data());
  batch.nodes = on_the_way<GlobalId>(*device_, ids);
  batch.store_ids = on_the_way<StoreId>(*device_, store_ids);
  batch.degrees = on_the_way<std::int64_t>(*device_, degrees);
  device_->synchronise("describe a batch");
  forgotten_ = true;
  batch.placed.push_back(as_mirror(*device_, batch.nodes, std::move(ids)));
  batch.placed.push_back(as_mirror(*device_, batch.store_ids, std::move(store_ids)));
}

Batch CudaSampler::sample(std::span<const GlobalId> seeds, std::span<const HopRequest> hops, bool facts) {
  device_->use();
  const UseMemory there(device_);
  Array<std::int32_t> nodes = begin_batch(seeds);
  std::vector<Hop> drawn;
  for (const HopRequest& request : hops) drawn.push_back(draw(request, nodes));
  std::reverse(drawn.begin(), drawn.end());
  Batch batch;
  for (const Hop& hop : drawn)
    batch.blocks.push_back({.csr = {on_the_way<std::int64_t>(*device_, hop.indptr),
                                    on_the_way<std::int32_t>(*device_, hop.indices)},
                            .sources = hop.sources});
  describe_nodes(nodes, facts, batch);
  for (std::size_t b = 0; b < drawn.size(); ++b) {
    Block& block = batch.blocks[b];
    block.placed.push_back(as_mirror(*device_, block.csr.indptr, std::move(drawn[b].indptr)));
    block.placed.push_back(as_mirror(*device_, block.csr.indices, std::move(drawn[b].indices)));
  }
  return batch;
}

}  // namespace

std::unique_ptr<DeviceSampler> sampler(CudaDevice& device, const PackedRows& rows, RowPlace place) {
  return std::make_unique<CudaSampler>(device, rows, place);
}

std::unique_ptr<DeviceSampler> sampler(CudaDevice& device, const SampledGraph& graph, std::int64_t nodes) {
  return std::make_unique<CudaSampler>(device, graph, nodes);
}

}  // namespace kith::cuda
