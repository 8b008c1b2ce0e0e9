// The mean over a batch's neighbours in the first layer, 128 fp32 features of a table of 1 M nodes: `copied`
// fetches the batch's rows into a matrix and sums over that; `in_place` sums over the table, with the graph's
// own numbers for columns (which the sampler would hand out instead), and copies only the rows that a layer
// multiplies by themselves.
#include <algorithm>

#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include "kith/bench/sampler/power_law_parts.h"
#include "kith/core/parallel.h"
#include "kith/kernels/rows.h"
#include "kith/kernels/spmm.h"
#include "kith/sampler/neighbour_sampler.h"

namespace kith {
namespace {

constexpr std::int64_t kWidth = 128;

/// In pages of 4 KiB, as a mapped file is.
ConstTensor table() {
  static const ConstTensor x = [] {
    constexpr std::size_t kBytes = bench::kNodes * kWidth * sizeof(float);
    void* pages = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(pages, kBytes, MADV_NOHUGEPAGE);
    const Tensor rows(static_cast<float*>(pages), bench::kNodes, kWidth);
    std::fill_n(rows.data, rows.size(), 1.0f);
    return rows;
  }();
  return x;
}

struct FirstLayer {
  Batch batch;
  std::vector<std::int32_t> nodes;    ///< of the batch, as rows of the table
  std::vector<std::int32_t> columns;  ///< of the block, as rows of the table
  std::vector<float> scale;

  FirstLayer() {
    const SamplerOptions options{.fanouts = {15, 10, 5}, .batch_size = 1024};
    const auto topology = replicated_topology(bench::power_law_parts());
    NeighbourSampler sampler(*topology, options, bench::kNodes);
    BatchSchedule schedule(bench::power_law_parts(), options);
    batch = sampler.sample(schedule.seeds(0, 0), 0, 0);
    for (const GlobalId node : batch.nodes) nodes.push_back(static_cast<std::int32_t>(node.value()));
    for (const std::int32_t column : block().csr.indices) columns.push_back(nodes[column]);
    scale.assign(static_cast<std::size_t>(block().destinations()), 0.2f);
  }
  const Block& block() const { return batch.blocks.front(); }
};

void report(benchmark::State& state, const FirstLayer& layer) {
  state.counters["sources"] = static_cast<double>(layer.nodes.size());
  state.counters["destinations"] = static_cast<double>(layer.block().destinations());
  state.counters["edges"] = static_cast<double>(layer.block().csr.m());
}

void copied(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(0)));
  const FirstLayer layer;
  Matrix rows(std::ssize(layer.nodes), kWidth), mean(layer.block().destinations(), kWidth);
  for (auto _ : state) {
    gather_rows(Cpu{}, table(), layer.nodes, rows);
    spmm(Cpu{}, layer.block().csr, {.row_scale = layer.scale}, rows, mean);
    benchmark::ClobberMemory();
  }
  report(state, layer);
}

void in_place(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(0)));
  const FirstLayer layer;
  const std::int64_t destinations = layer.block().destinations();
  const auto own_nodes = std::span(layer.nodes).first(static_cast<std::size_t>(destinations));
  Matrix own(destinations, kWidth), mean(destinations, kWidth);
  for (auto _ : state) {
    gather_rows(Cpu{}, table(), own_nodes, own);
    const CsrView<std::int32_t> csr{layer.block().csr.indptr.span(), layer.columns};
    spmm(Cpu{}, csr, {.row_scale = layer.scale}, table(), mean);
    benchmark::ClobberMemory();
  }
  report(state, layer);
}

BENCHMARK(copied)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(in_place)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace kith
