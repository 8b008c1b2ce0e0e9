#include "kith/datasets/partition_store.h"

#include "kith/core/buffer.h"
#include "kith/datasets/sound.h"
#include "kith/partition/constraints.h"

namespace kith {
namespace {

PartitionRequest request_of(const Store& store, const PartitionOptions& options) {
  const SplitSpans splits{store.split(Split::train), store.split(Split::valid), store.split(Split::test)};
  return {.graph = store.graph(),
          .k = options.k,
          .objective = options.objective,
          .constraints = balance_constraints(options.balance, store.graph(), splits),
          .seed = options.seed,
          .imbalance = options.imbalance,
          .passes = options.passes};
}

PartitionResult assigned(const Store& store, const PartitionOptions& options,
                         const PartitionRequest& request) {
  if (!options.levels.empty()) return partition_by_levels(options.method, request, options.levels);
  if (options.assignment.empty()) return partition(options.method, request);
  return {read_assignment(options.assignment, store.meta().nodes, options.k), {}};
}

}  // namespace

PartitionedStoreReport partition_store(const Store& store, const std::filesystem::path& folder,
                                       const PartitionOptions& options, Existing existing) {
  expect_sound(store);
  const PartitionRequest request = request_of(store, options);
  const PartitionResult result = assigned(store, options, request);
  Buffer::release_cached();
  PartitionedStoreReport report{.partitioner = result.report};
  PartitionMeta& meta = report.meta;
  meta.k = options.k;
  meta.method = options.assignment.empty() ? options.method : "assignment";
  meta.objective = options.objective == CutObjective::volume ? "volume" : "cut";
  meta.seed = options.seed;
  meta.quality = quality_of(request.graph, result.partitioning, request.constraints);
  meta.levels = qualities_of(request.graph, result.partitioning, options.levels);
  meta.partition_seconds = result.report.seconds;
  meta.partition_peak_bytes = result.report.peak_memory_bytes;
  write_partitioned_store(folder, store, result.partitioning, meta, existing);
  return report;
}

}  // namespace kith
