// Parts are written in waves of as many at a time as fit the memory, so that the bound holds however the
// loops inside nest; within a wave every part streams its rows out of the mapped store in ascending store
// order.
#include <algorithm>
#include <cstdio>

#include "kith/core/checksum.h"
#include "kith/core/error.h"
#include "kith/core/host.h"
#include "kith/core/parallel.h"
#include "kith/datasets/file_jobs.h"
#include "kith/datasets/mapped_rows.h"
#include "kith/datasets/meta_json.h"
#include "kith/datasets/part_files.h"

namespace kith {
namespace {

/// What all parts are cut from.
struct Cutting {
  const Store& store;
  const PartLayout layout;
  std::vector<std::vector<std::int64_t>> splits[3];  ///< by part: global ids, ascending

  std::span<const StoreId> nodes_of(int p) const {
    return layout.store_of_global.span().subspan(layout.first[p], layout.first[p + 1] - layout.first[p]);
  }
};

/// Store ids ascend in a split and within a part global ids ascend with them, so the pieces come out sorted.
std::vector<std::vector<std::int64_t>> split_by_part(std::span<const std::int64_t> nodes,
                                                     const PartLayout& layout) {
  std::vector<std::vector<std::int64_t>> pieces(static_cast<std::size_t>(layout.k()));
  for (const std::int64_t node : nodes) {
    const GlobalId global = layout.global_of_store[node];
    pieces[static_cast<std::size_t>(layout.part_of(global).value())].push_back(global.value());
  }
  return pieces;
}

void check_partitioning(const Store& store, const Partitioning& partitioning) {
  require(
      partitioning.k >= 1 && partitioning.assignment.ssize() == store.meta().nodes,
      "a part for every node of the store",
      {{"k", partitioning.k}, {"assigned", partitioning.assignment.size()}, {"nodes", store.meta().nodes}});
}

template <class T>
std::span<const std::int64_t> plain(const Array<T>& ids) {
  static_assert(sizeof(T) == sizeof(std::int64_t));
  return {reinterpret_cast<const std::int64_t*>(ids.data()), ids.size()};
}

Array<float> weights_of_part(const Cutting& cutting, int p, const PartTopology& topology) {
  const auto nodes = cutting.nodes_of(p);
  const auto indptr = cutting.store.graph().indptr;
  const auto weights = cutting.store.edge_weights();
  Array<float> out(topology.sources.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::int64_t v = nodes[i].value();
    std::copy(weights.begin() + indptr[v], weights.begin() + indptr[v + 1], out.begin() + topology.indptr[i]);
  }
  return out;
}

void add_topology(FileJobs& jobs, const PartTopology& topology, const HaloPlan& halo,
                  const Cutting& cutting) {
  const DType dtype = index_dtype(cutting.store.meta().nodes);
  jobs.add(array_name::kIndices, [&topology, dtype](const std::filesystem::path& path) {
    return write_indices(path, plain(topology.sources), dtype);
  });
  jobs.add_values(array_name::kIndptr, topology.indptr.span());
  jobs.add_values(array_name::kHalo, plain(halo.nodes));
  jobs.add_values(array_name::kHaloByOwner, halo.by_owner.span());
}

void add_rows(FileJobs& jobs, const Cutting& cutting, int p) {
  const auto nodes = cutting.nodes_of(p);
  const auto rows = static_cast<std::int64_t>(nodes.size());
  const auto gathered = [&](const char* name, DType dtype, std::vector<std::int64_t> shape,
                            std::span<const std::byte> table) {
    jobs.add(name, [=](const std::filesystem::path& path) {
      return write_gathered(path, dtype, shape, table, nodes);
    });
  };
  const FeatureView features = cutting.store.features();
  if (features.cols > 0) {
    gathered(array_name::kFeatures, features.dtype, {rows, features.cols},
             {features.data, static_cast<std::size_t>(features.rows * features.row_bytes())});
  }
  if (!features.scales.empty()) {
    gathered(array_name::kFeatureScales, DType::f32, {rows}, std::as_bytes(features.scales));
  }
  const LabelView labels = cutting.store.labels();
  if (labels.multi_label()) {
    gathered(array_name::kLabels, DType::f32, {rows, labels.count}, std::as_bytes(labels.multi));
  } else if (labels.count > 0) {
    gathered(array_name::kLabels, DType::i64, {rows}, std::as_bytes(labels.classes));
  }
  for (const Split split : kSplits) {
    jobs.add_values(array_name::of(split),
                    std::span<const std::int64_t>(cutting.splits[static_cast<int>(split)][p]));
  }
  jobs.add_values(array_name::kStoreIds,
                  std::span(reinterpret_cast<const std::int64_t*>(nodes.data()), nodes.size()));
}

FileTable write_part(const std::filesystem::path& folder, const Cutting& cutting, int p) {
  const std::filesystem::path part_folder = folder / part_prefix(p);
  std::filesystem::create_directory(part_folder);
  const PartTopology topology = part_topology(cutting.store.graph(), cutting.layout, Part(p));
  const HaloPlan halo = halo_plan(topology, cutting.layout, Part(p));
  FileJobs jobs;
  add_rows(jobs, cutting, p);
  add_topology(jobs, topology, halo, cutting);
  Array<float> weights;
  if (!cutting.store.edge_weights().empty()) {
    weights = weights_of_part(cutting, p, topology);
    jobs.add_values(array_name::kEdgeWeights, std::span<const float>(weights));
  }
  return jobs.run(part_folder);
}

std::int64_t edges_of_part(const Cutting& cutting, int p) {
  const auto indptr = cutting.store.graph().indptr;
  std::int64_t edges = 0;
  for (const StoreId node : cutting.nodes_of(p)) edges += indptr[node.value() + 1] - indptr[node.value()];
  return edges;
}

/// How many parts may be held at once: 8 bytes an edge, twice for the halo and the weights, and the node
/// bits.
int wave_of(const PartitionJson& json) {
  const std::int64_t largest = *std::max_element(json.edges.begin(), json.edges.end());
  const std::int64_t bytes = 16 * largest + json.meta.store.nodes / 4 + (std::int64_t{8} << 20);
  const std::int64_t fitting = memory_available_bytes() / 4 / bytes;
  return static_cast<int>(std::clamp<std::int64_t>(fitting, 1, thread_count()));
}

void write_parts(const std::filesystem::path& folder, const Cutting& cutting, PartitionJson& json) {
  const int wave = wave_of(json);
  for (int begin = 0; begin < json.meta.k; begin += wave) {
    const int end = std::min(begin + wave, json.meta.k);
    std::vector<FileTable> tables(static_cast<std::size_t>(end - begin));
    parallel_for(begin, end, 1, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t p = from; p < to; ++p) {
        tables[p - begin] = write_part(folder, cutting, static_cast<int>(p));
      }
    });
    for (int p = begin; p < end; ++p) {
      for (const auto& [name, record] : tables[p - begin]) json.files[part_prefix(p) + name] = record;
    }
  }
}

FileTable write_user_ids(const std::filesystem::path& folder, const UserIdView& ids) {
  FileJobs jobs;
  if (!ids.numbers.empty()) jobs.add_values(array_name::kNodeIds, ids.numbers);
  if (!ids.name_offsets.empty()) {
    jobs.add_values(array_name::kNodeNameOffsets, ids.name_offsets);
    jobs.add_values(array_name::kNodeNames, ids.names);
  }
  return jobs.run(folder);
}

PartitionMeta completed(PartitionMeta meta, const Store& store, const Partitioning& partitioning) {
  meta.store = store.meta();
  meta.k = partitioning.k;
  meta.fingerprint = fingerprint_of(store, partitioning);
  if (meta.quality.halo_rows.empty()) meta.quality = quality_of(store.graph(), partitioning, {});
  return meta;
}

}  // namespace

std::string part_prefix(int part) {
  char text[32];
  std::snprintf(text, sizeof text, "part-%05d/", part);
  return text;
}

std::uint64_t fingerprint_of_whole(std::uint64_t graph_fingerprint) {
  const std::uint64_t parts[] = {graph_fingerprint, 1, 0};
  return checksum_of(std::as_bytes(std::span(parts)));
}

std::uint64_t fingerprint_of(const Store& store, const Partitioning& partitioning) {
  check_partitioning(store, partitioning);
  if (partitioning.k == 1) return fingerprint_of_whole(store.graph_fingerprint());
  const std::uint64_t parts[] = {store.graph_fingerprint(), static_cast<std::uint64_t>(partitioning.k),
                                 checksum_of(bytes_of(partitioning.assignment))};
  return checksum_of(std::as_bytes(std::span(parts)));
}

void write_partitioned_store(const std::filesystem::path& folder, const Store& store,
                             const Partitioning& partitioning, const PartitionMeta& meta, Existing existing) {
  AtomicFolder target(folder, existing);
  check_partitioning(store, partitioning);
  Cutting cutting{store, layout_of(partitioning), {}};
  for (const Split split : kSplits) {
    cutting.splits[static_cast<int>(split)] = split_by_part(store.split(split), cutting.layout);
  }
  PartitionJson json{completed(meta, store, partitioning), {}, {}, {}};
  json.first.assign(cutting.layout.first.begin(), cutting.layout.first.end());
  for (int p = 0; p < partitioning.k; ++p) json.edges.push_back(edges_of_part(cutting, p));
  json.files = write_user_ids(target.path(), store.user_ids());
  write_parts(target.path(), cutting, json);
  write_text_file(target.path() / kPartitionJson, text_of(json));
  target.commit();
}

}  // namespace kith
