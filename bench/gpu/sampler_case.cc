#include <chrono>

#include "kith/bench/gpu/cases.h"
#include "kith/sampler/device_sampler.h"

namespace kith::bench {
namespace {

Json batches_case(CudaDevice& device, const NamedGraph& graph, const PackedRows& rows, RowPlace place) {
  constexpr std::int64_t kBatches = 24, kSeeds = 1024, kStride = 0x9E3779B1;
  const auto sampler = device_sampler(Cuda{&device}, rows, place);
  const std::int64_t n = graph.csr.n();
  std::vector<double> times;
  std::int64_t edges = 0, nodes = 0;
  for (std::int64_t step = 0; step < kBatches; ++step) {
    // n is a power of two, and the stride is odd: no seed comes twice.
    std::vector<GlobalId> seeds;
    for (std::int64_t i = 0; i < std::min(kSeeds, n); ++i)
      seeds.emplace_back((step * kSeeds + i) * kStride % n);
    std::vector<HopRequest> hops;
    for (const std::int64_t fanout : {15, 10, 5})
      hops.push_back({.fanout = fanout,
                      .key = philox_key(1, Stream::sampling, hops.size()),
                      .step = static_cast<std::uint32_t>(step)});
    const auto begin = std::chrono::steady_clock::now();
    const Batch batch = sampler->sample(seeds, hops, true);
    times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    nodes += batch.nodes.ssize();
    for (const Block& block : batch.blocks) edges += block.csr.m();
  }
  std::nth_element(times.begin(), times.begin() + kBatches / 2, times.end());
  const double seconds = times[kBatches / 2], a_batch = static_cast<double>(edges) / kBatches;
  return {{"graph", graph.name},
          {"rows_on", place == RowPlace::device ? "device" : "host"},
          {"milliseconds", seconds * 1e3},
          {"edges_per_batch", a_batch},
          {"nodes_per_batch", static_cast<double>(nodes) / kBatches},
          {"edges_per_second", a_batch / seconds}};
}

}  // namespace

Json sampler_cases(CudaDevice& device, const NamedGraph& graph) {
  const PackedRows rows(graph.csr);
  Json all = Json::array();
  for (const RowPlace place : {RowPlace::device, RowPlace::host})
    all.push_back(batches_case(device, graph, rows, place));
  return all;
}

}  // namespace kith::bench
