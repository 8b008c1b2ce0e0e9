// Batches of 1,024 seeds with fanout 15,10,5 on a random power-law graph of 1 M nodes and 25 M edges,
// topology only. `edges` is sampled edges per second, all threads.
#include <benchmark/benchmark.h>

#include "kith/bench/sampler/power_law_parts.h"
#include "kith/core/parallel.h"
#include "kith/sampler/neighbour_sampler.h"

namespace kith {
namespace {

using bench::kNodes;
using bench::power_law_parts;

void sample(benchmark::State& state, RelabelTable table) {
  const ThreadLimit limit(static_cast<int>(state.range(0)));
  const SamplerOptions options{.fanouts = {15, 10, 5}, .batch_size = 1024, .table = table};
  const auto topology = replicated_topology(power_law_parts());
  NeighbourSampler sampler(*topology, options, kNodes);
  BatchSchedule schedule(power_law_parts(), options);
  schedule.seeds(0, 0);
  std::int64_t step = 0, edges = 0, nodes = 0;
  for (auto _ : state) {
    const Batch batch = sampler.sample(schedule.seeds(0, step % schedule.batches_per_epoch()), 0, step);
    ++step;
    nodes += batch.nodes.ssize();
    for (const Block& block : batch.blocks) edges += block.csr.m();
  }
  state.counters["edges"] = benchmark::Counter(static_cast<double>(edges), benchmark::Counter::kIsRate);
  state.counters["edges/batch"] = static_cast<double>(edges) / static_cast<double>(step);
  state.counters["nodes/batch"] = static_cast<double>(nodes) / static_cast<double>(step);
}
BENCHMARK_CAPTURE(sample, direct_table, RelabelTable::direct)
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(sample, hash_table, RelabelTable::hash)
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void shuffle_an_epoch(benchmark::State& state) {
  BatchSchedule schedule(power_law_parts(), {.batch_size = 1024});
  std::int64_t epoch = 0;
  for (auto _ : state) benchmark::DoNotOptimize(schedule.seeds(epoch++, 0));
  state.SetItemsProcessed(epoch * schedule.train_nodes());
}
BENCHMARK(shuffle_an_epoch)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kith
