#include <fmt/format.h>

#include "kith/cli/output.h"
#include "kith/cli/verb.h"
#include "kith/core/progress.h"
#include "kith/datasets/partitioned_store.h"
#include "kith/partition/constraints.h"
#include "kith/partition/partitioners.h"
#include "kith/partition/settings.h"

namespace kith::cli {
namespace {

PartitionRequest request_of(const Store& store, const PartitionOptions& options) {
  const SplitIds splits{store.split(Split::train), store.split(Split::valid), store.split(Split::test)};
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
  if (options.assignment.empty()) return partition(options.method, request);
  return {read_assignment(options.assignment, store.meta().nodes, options.k), {}};
}

PartitionMeta meta_of(const PartitionOptions& options, const PartitionRequest& request,
                      const PartitionResult& result) {
  PartitionMeta meta;
  meta.k = options.k;
  meta.method = options.assignment.empty() ? options.method : "assignment";
  meta.objective = options.objective == CutObjective::volume ? "volume" : "cut";
  meta.seed = options.seed;
  meta.quality = quality_of(request.graph, result.partitioning, request.constraints);
  meta.partition_seconds = result.report.seconds;
  meta.partition_peak_bytes = result.report.peak_memory_bytes;
  return meta;
}

void print_report(const PartitionMeta& meta, const PartitionReport& report) {
  fmt::print("{} parts by {} in {}, peak memory {}\n", meta.k, meta.method, human_seconds(report.seconds),
             human_bytes(static_cast<double>(report.peak_memory_bytes)));
  if (report.arcs_added + report.loops_dropped + report.duplicates_merged > 0)
    fmt::print("  for METIS alone: {} reverse edges added, {} self-loops left out, {} duplicates merged\n",
               report.arcs_added, report.loops_dropped, report.duplicates_merged);
  if (report.empty_repaired > 0) fmt::print("  {} empty parts were filled\n", report.empty_repaired);
  fmt::print("{}", table_of(meta.quality));
}

}  // namespace

void run_partition(const Invocation& invocation) {
  const Output output = output_of(invocation.settings);
  const PartitionOptions options = partition_options(invocation.settings);
  const Store store = Store::open(invocation.settings.text("store"));
  const PartitionRequest request = request_of(store, options);
  const PartitionResult result = assigned(store, options, request);
  const PartitionMeta meta = meta_of(options, request, result);
  write_partitioned_store(output.folder, store, result.partitioning, meta, output.existing);
  print_report(meta, result.report);
  fmt::print("wrote {}; train with: mpiexec -n {} kith train {} -o RUN\n", output.folder.string(), options.k,
             output.folder.string());
}

}  // namespace kith::cli
