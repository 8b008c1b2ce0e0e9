// Halos are ascending lists of global ids, and what a rank owns is a range of them: counting what others need
// of it is two binary searches in each of their halos.
#include "kith/exec/run_shape.h"

#include <algorithm>
#include <cmath>

#include "kith/core/parallel.h"
#include "kith/kernels/rows.h"
#include "kith/kernels/sparse_rows.h"
#include "kith/sampler/neighbour_sampler.h"

namespace kith {
namespace {

constexpr std::int64_t kId = sizeof(std::int64_t);

/// The distinct nodes in [begin, end) among the halos of parts [first, last).
std::int64_t distinct_halo(const PartitionedStore& parts, Part first, Part last, std::int64_t begin,
                           std::int64_t end) {
  std::vector<std::int64_t> nodes;
  for (Part part = first; part < last; ++part) {
    const auto halo = parts.part(part).halo;
    const auto from = std::lower_bound(halo.begin(), halo.end(), begin);
    const auto to = std::lower_bound(from, halo.end(), end);
    if (part.value() + 1 == last.value() && part == first) return to - from;
    nodes.insert(nodes.end(), from, to);
  }
  std::sort(nodes.begin(), nodes.end());
  return std::unique(nodes.begin(), nodes.end()) - nodes.begin();
}

std::int64_t row_bytes_of(const PartView& part) {
  const std::int64_t index_bytes = part.indices.is_32_bit() ? 4 : 8;
  return (2 * part.nodes + 1) * kId + part.indices.size() * index_bytes;
}

std::int64_t content_bytes_of(const PartView& part) {
  const std::int64_t labels = std::ssize(part.labels.classes) * kId + std::ssize(part.labels.multi) * 4;
  return part.nodes * part.features.row_bytes() + std::ssize(part.features.scales) * 4 + labels +
         std::ssize(part.halo) * kId;
}

/// Rows per step of a sample.
constexpr std::int64_t kSampled = 64;

double density_of(const FeatureView& features) {
  if (features.rows == 0 || features.cols == 0) return 1;
  Matrix rows(std::min(kSampled, features.rows), features.cols);
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    const std::int64_t at = i * (features.rows / rows.rows());
    const auto scales =
        features.scales.empty() ? features.scales : features.scales.subspan(static_cast<std::size_t>(at), 1);
    decode_rows(Cpu{}, features.row(at), features.dtype, scales, rows.view().row_range(i, i + 1));
  }
  return sampled_density(rows);
}

BatchShape shape_of(const Batch& batch, std::int64_t first, std::int64_t end) {
  BatchShape shape;
  for (const Block& block : batch.blocks)
    shape.blocks.push_back({block.destinations(), block.sources, block.csr.m()});
  shape.remote = std::count_if(batch.nodes.begin(), batch.nodes.end(),
                               [&](GlobalId node) { return node.value() < first || node.value() >= end; });
  return shape;
}

}  // namespace

RankShape rank_shape(const PartitionedStore& parts, const Ownership& ownership, Rank rank) {
  const std::int64_t first = ownership.first(rank), end = ownership.end(rank);
  const StoreMeta& meta = parts.meta().store;
  RankShape shape{.owned = end - first};
  for (Part part{0}; part.value() < parts.k(); ++part) {
    const PartView view = parts.part(part);
    const bool own = ownership.first_part(rank) <= part && part < ownership.end_part(rank);
    if (!own) {
      shape.topology_bytes += row_bytes_of(view);
      continue;
    }
    shape.edges += view.indices.size();
    shape.part_halo += std::ssize(view.halo);
    for (const auto& split : view.split) shape.split += std::ssize(split);
    shape.mapped_bytes += row_bytes_of(view) + content_bytes_of(view);
  }
  if (meta.edges > 0)
    shape.self_loops = static_cast<std::int64_t>(
        std::llround(static_cast<double>(meta.self_loops) * static_cast<double>(shape.edges) /
                     static_cast<double>(meta.edges)));
  const Part first_part = ownership.first_part(rank), end_part = ownership.end_part(rank);
  shape.halo = distinct_halo(parts, first_part, end_part, 0, first) +
               distinct_halo(parts, first_part, end_part, end, ownership.nodes());
  for (Rank other{0}; other.value() < ownership.ranks(); ++other)
    if (other != rank)
      shape.sent_rows +=
          distinct_halo(parts, ownership.first_part(other), ownership.end_part(other), first, end);
  return shape;
}

RankShape shape_of_random_cut(const PartitionedStore& whole, int ranks) {
  const PartView all = whole.part(Part{0});
  const Ownership ownership(whole, 1);
  RankShape shape = rank_shape(whole, ownership, Rank{0});
  if (ranks == 1) return shape;
  const double miss = std::log1p(-1.0 / ranks);
  const double needed = parallel_reduce(
      0, all.nodes, 1 << 14, 0.0,
      [&](std::int64_t begin, std::int64_t end) {
        double sum = 0;
        for (std::int64_t v = begin; v < end; ++v)
          sum -= std::expm1(static_cast<double>(all.indptr[v + 1] - all.indptr[v]) * miss);
        return sum;
      },
      std::plus<>());
  const auto share = [&](std::int64_t of_all) { return of_all / ranks; };
  shape.halo = static_cast<std::int64_t>(needed * (ranks - 1) / ranks);
  shape.sent_rows = shape.part_halo = shape.halo;
  shape.topology_bytes = row_bytes_of(all) - share(row_bytes_of(all));
  for (std::int64_t* value :
       {&shape.owned, &shape.edges, &shape.self_loops, &shape.split, &shape.mapped_bytes})
    *value = share(*value);
  return shape;
}

DataShape data_shape(const PartitionedStore& parts) {
  const StoreMeta& meta = parts.meta().store;
  const FeatureView features = parts.part(Part{0}).features;
  DataShape shape{.nodes = meta.nodes,
                  .edges = meta.edges,
                  .features = meta.features,
                  .feature_row_bytes = features.row_bytes(),
                  .feature_density = density_of(features),
                  .classes = meta.classes,
                  .multi_label = meta.multi_label,
                  .scaled_rows = features.dtype == DType::i8};
  for (Part part{0}; part.value() < parts.k(); ++part) shape.train += std::ssize(parts.part(part).split[0]);
  return shape;
}

BatchShape largest_batch(const PartitionedStore& parts, std::int64_t first, std::int64_t end,
                         const TrainOptions& options, SelfEdges self_edges) {
  constexpr std::int64_t kBatches = 4;
  const SamplerOptions sampling{.fanouts = options.fanouts,
                                .batch_size = options.batch_size,
                                .replace = options.replace,
                                .exclude_self = self_edges != SelfEdges::as_stored,
                                .seed = options.seed,
                                .facts = false,
                                .table = RelabelTable::hash};
  const auto topology = replicated_topology(parts, RowStorage::mapped);
  BatchSchedule schedule(parts, sampling);
  NeighbourSampler sampler(*topology, sampling, parts.meta().store.nodes);
  BatchShape largest;
  for (std::int64_t b = 0; b < std::min(kBatches, schedule.batches_per_epoch()); ++b) {
    std::vector<GlobalId> own;
    for (const GlobalId seed : schedule.seeds(0, b))
      if (seed.value() >= first && seed.value() < end) own.push_back(seed);
    BatchShape shape = shape_of(sampler.sample(own, 0, b), first, end);
    if (shape.nodes() >= largest.nodes()) largest = std::move(shape);
  }
  return largest;
}

RunShape run_shape(const PartitionedStore& parts, int ranks, Rank rank, const TrainOptions& options,
                   SelfEdges self_edges) {
  const Ownership ownership(parts, ranks);
  RunShape shape{.data = data_shape(parts), .rank = rank_shape(parts, ownership, rank), .ranks = ranks};
  if (options.regime == Regime::mini_batch)
    shape.batch = largest_batch(parts, ownership.first(rank), ownership.end(rank), options, self_edges);
  return shape;
}

RunShape shape_of_random_run(const PartitionedStore& whole, int ranks, const TrainOptions& options,
                             SelfEdges self_edges) {
  RunShape shape{.data = data_shape(whole), .rank = shape_of_random_cut(whole, ranks), .ranks = ranks};
  if (options.regime == Regime::full_graph) return shape;
  // Whichever nodes a rank owns, its share of a batch is that of as many seeds.
  TrainOptions share = options;
  share.batch_size = (options.batch_size + ranks - 1) / ranks;
  shape.batch = largest_batch(whole, 0, shape.data.nodes, share, self_edges);
  shape.batch.remote = shape.batch.nodes() * (ranks - 1) / ranks;
  return shape;
}

}  // namespace kith
