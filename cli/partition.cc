#include <fmt/format.h>

#include "kith/cli/output.h"
#include "kith/cli/verb.h"
#include "kith/core/progress.h"
#include "kith/datasets/partition_store.h"

namespace kith::cli {
namespace {

void print_report(const PartitionMeta& meta, const PartitionReport& report) {
  fmt::print("{} parts by {} in {}, peak memory {}\n", meta.k, meta.method, human_seconds(report.seconds),
             human_bytes(static_cast<double>(report.peak_memory_bytes)));
  if (report.arcs_added + report.loops_dropped + report.duplicates_merged > 0)
    fmt::print("  for METIS alone: {} reverse edges added, {} self-loops left out, {} duplicates merged\n",
               report.arcs_added, report.loops_dropped, report.duplicates_merged);
  if (report.empty_repaired > 0) fmt::print("  {} empty parts were filled\n", report.empty_repaired);
  fmt::print("{}{}", table_of(meta.quality), table_of(meta.levels));
}

}  // namespace

void run_partition(const Invocation& invocation) {
  const Output output = output_of(invocation.settings);
  const PartitionOptions options = partition_options(invocation.settings);
  const Store store = Store::open(invocation.settings.text("store"));
  const PartitionedStoreReport report = partition_store(store, output.folder, options, output.existing);
  print_report(report.meta, report.partitioner);
  fmt::print("wrote {}; train with: mpiexec -n {} kith train {} -o RUN\n", output.folder.string(), options.k,
             output.folder.string());
}

}  // namespace kith::cli
