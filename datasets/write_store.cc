#include <algorithm>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/datasets/file_jobs.h"
#include "kith/datasets/mapped_rows.h"
#include "kith/datasets/meta_json.h"
#include "kith/datasets/store_checks.h"

namespace kith {
namespace {

std::int64_t self_loops_of(const CsrAny& graph) {
  return graph.visit([](auto csr) {
    return parallel_reduce(
        0, csr.n(), 1 << 12, std::int64_t{0},
        [&](std::int64_t begin, std::int64_t end) {
          std::int64_t loops = 0;
          for (std::int64_t v = begin; v < end; ++v) {
            const auto [low, high] = std::equal_range(csr.row(v).begin(), csr.row(v).end(), v);
            loops += high - low;
          }
          return loops;
        },
        [](std::int64_t a, std::int64_t b) { return a + b; });
  });
}

StoreMeta completed(StoreMeta meta, const StoreArrays& arrays) {
  const bool labelled = !arrays.labels.classes.empty() || !arrays.labels.multi.empty();
  meta.nodes = arrays.graph.n();
  meta.edges = arrays.graph.m();
  meta.features = arrays.features.cols;
  meta.feature_dtype = arrays.features.dtype;
  meta.classes = labelled ? arrays.labels.count : 0;
  meta.multi_label = arrays.labels.multi_label();
  meta.self_loops = self_loops_of(arrays.graph);
  return meta;
}

void add_features(FileJobs& jobs, const FeatureView& features) {
  if (features.cols == 0) return;
  jobs.add(array_name::kFeatures, [features](const std::filesystem::path& path) {
    return write_npy(path, features.dtype, {features.rows, features.cols},
                     {features.data, static_cast<std::size_t>(features.rows * features.row_bytes())});
  });
  if (features.dtype == DType::i8) jobs.add_values(array_name::kFeatureScales, features.scales);
}

void add_labels(FileJobs& jobs, const LabelView& labels, const StoreMeta& meta) {
  if (meta.classes == 0) return;
  if (!meta.multi_label) return jobs.add_values(array_name::kLabels, labels.classes);
  jobs.add(array_name::kLabels, [labels, nodes = meta.nodes](const std::filesystem::path& path) {
    return write_npy(path, DType::f32, {nodes, labels.count}, std::as_bytes(labels.multi));
  });
}

void add_split(FileJobs& jobs, Split split, std::span<const std::int64_t> nodes) {
  jobs.add(array_name::of(split), [nodes](const std::filesystem::path& path) {
    std::vector<std::int64_t> sorted(nodes.begin(), nodes.end());
    std::sort(sorted.begin(), sorted.end());
    return write_npy(path, std::span<const std::int64_t>(sorted));
  });
}

void add_names(FileJobs& jobs, const std::vector<std::string>& names) {
  jobs.add(array_name::kNodeNameOffsets, [&names](const std::filesystem::path& path) {
    std::vector<std::int64_t> offsets{0};
    offsets.reserve(names.size() + 1);
    for (const std::string& name : names)
      offsets.push_back(offsets.back() + static_cast<std::int64_t>(name.size()));
    return write_npy(path, std::span<const std::int64_t>(offsets));
  });
  jobs.add(array_name::kNodeNames, [&names](const std::filesystem::path& path) {
    std::string blob;
    for (const std::string& name : names) blob += name;
    return write_npy(path, DType::u8, {static_cast<std::int64_t>(blob.size())}, bytes_of(blob));
  });
}

}  // namespace

StoreMeta write_store(const std::filesystem::path& folder, const StoreArrays& arrays, const StoreMeta& meta,
                      Existing existing) {
  AtomicFolder target(folder, existing);
  check_arrays(arrays);
  StoreJson json{completed(meta, arrays), {}};
  FileJobs jobs;
  add_features(jobs, arrays.features);
  jobs.add(array_name::kIndices, [&](const std::filesystem::path& path) {
    return write_indices(path, arrays.graph.indices, index_dtype(json.meta.nodes));
  });
  jobs.add_values(array_name::kIndptr, arrays.graph.indptr);
  if (!arrays.edge_weights.empty()) jobs.add_values(array_name::kEdgeWeights, arrays.edge_weights);
  add_labels(jobs, arrays.labels, json.meta);
  add_split(jobs, Split::train, arrays.train);
  add_split(jobs, Split::valid, arrays.valid);
  add_split(jobs, Split::test, arrays.test);
  if (!arrays.node_ids.empty()) jobs.add_values(array_name::kNodeIds, arrays.node_ids);
  if (!arrays.node_names.empty()) add_names(jobs, arrays.node_names);
  if (!arrays.name_offsets.empty()) {
    jobs.add_values(array_name::kNodeNameOffsets, arrays.name_offsets);
    jobs.add_values(array_name::kNodeNames, arrays.names);
  }
  json.files = jobs.run(target.path());
  write_text_file(target.path() / kStoreJson, text_of(json));
  target.commit();
  return json.meta;
}

}  // namespace kith
