// Batches of consecutive steps, sampled one after the other: the blocks and their nodes, without features.
#include <limits>

#include <fmt/format.h>

#include "kith/cli/bench.h"
#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/sampler/settings.h"

namespace kith::cli {
namespace {

/// Batches in a timed call.
constexpr std::int64_t kBatches = 10;

/// Samples the next batches of a schedule, over and over its epochs, and counts what they hold.
class Sampling {
 public:
  Sampling(const PartitionedStore& parts, const SamplerOptions& options)
      : schedule_(parts, options),
        topology_(replicated_topology(parts)),
        sampler_(*topology_, options, parts.meta().store.nodes) {
    if (schedule_.train_nodes() == 0) throw InputError("kith bench sample needs train nodes, the seeds");
  }

  void next_batches() {
    for (std::int64_t b = 0; b < kBatches; ++b, ++step_) {
      const std::int64_t epoch = step_ / schedule_.batches_per_epoch();
      const Batch batch =
          sampler_.sample(schedule_.seeds(epoch, step_ % schedule_.batches_per_epoch()), epoch, step_);
      nodes_ += batch.nodes.ssize();
      for (const Block& block : batch.blocks) edges_ += block.csr.m();
    }
  }
  double edges_per_batch() const { return static_cast<double>(edges_) / static_cast<double>(step_); }
  double nodes_per_batch() const { return static_cast<double>(nodes_) / static_cast<double>(step_); }

 private:
  BatchSchedule schedule_;
  std::unique_ptr<Topology> topology_;
  NeighbourSampler sampler_;
  std::int64_t step_ = 0, edges_ = 0, nodes_ = 0;
};

}  // namespace

Measured measure_sample(const Settings& settings) {
  const PartitionedStore parts = open_data(settings.text("store"));
  SamplerOptions options = sampler_options(settings);
  options.facts = false;
  Sampling sampling(parts, options);
  const double seconds =
      median(sorted_seconds(settings.integer("repetitions"), [&] { sampling.next_batches(); })) / kBatches;

  Figures figures;
  figures.add("graph", parts.meta().store.name);
  figures.add("nodes", parts.meta().store.nodes);
  figures.add("edges", parts.meta().store.edges);
  figures.add("fanout", settings.text("fanout"));
  figures.add("batch_size", options.batch_size);
  figures.add("threads", std::int64_t{thread_count()});
  figures.add("milliseconds", seconds * 1e3);
  figures.add("medges_per_second", sampling.edges_per_batch() / seconds * 1e-6);
  figures.add("edges_per_batch", sampling.edges_per_batch());
  figures.add("nodes_per_batch", sampling.nodes_per_batch());
  return figures;
}

}  // namespace kith::cli
