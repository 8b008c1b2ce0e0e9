#include "kith/bench/gpu/papers_graph.h"
#include "kith/core/philox.h"
#include "kith/kernels/cuda/elements.h"
#include "kith/kernels/cuda/scan.h"

namespace kith::bench {
namespace {

using Index = std::int64_t;

__device__ inline std::uint64_t bits_of(Index i, std::uint32_t purpose) {
  const auto x = static_cast<std::uint64_t>(i);
  return word64(
      philox4x32_10({static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(x >> 32), purpose, 0},
                    {13, 14}),
      0);
}

/// least / √u has the mean 2 · least and a tail of power 3; no row is longer than kLongest.
constexpr float kLongest = 50'000;
__device__ inline std::uint32_t degree_of(Index node, float mean) {
  const auto u = static_cast<float>(unit_double(bits_of(node, 1)));
  const float degree = 0.5f * mean / sqrtf(u + 1e-9f);
  return static_cast<std::uint32_t>(degree < kLongest ? degree + 0.5f : kLongest);
}

/// By u²: half of the edges go to a quarter of the nodes.
__device__ inline std::int32_t source_of(Index edge, Index nodes) {
  const double u = unit_double(bits_of(edge, 2));
  const auto rank = static_cast<Index>(u * u * static_cast<double>(nodes));
  // Spreads them over the ids; that some meet is no harm.
  return static_cast<std::int32_t>(static_cast<std::uint64_t>(rank) * 0x9E3779B1u %
                                   static_cast<std::uint64_t>(nodes));
}

}  // namespace

DeviceGraph make_device_graph(CudaDevice& device, std::int64_t nodes, double degree, std::int64_t cols) {
  const UseMemory there(&device);
  cuda::Staging call(Cuda{&device}, "make a graph", {{"nodes", nodes}, {"features", cols}});
  DeviceGraph graph;
  graph.rows = Array<SamplingRow>(static_cast<std::size_t>(nodes));
  SamplingRow* rows = graph.rows.data();
  Index edges = 0;
  {
    cuda::Staging counting(Cuda{&device}, "count a graph's edges", {{"nodes", nodes}});
    auto* degrees = counting.scratch<std::uint32_t>(nodes);
    auto* begins = counting.scratch<Index>(nodes + 1);
    const auto mean = static_cast<float>(degree);
    cuda::over_elements(counting, 1, nodes,
                        [=] __device__(Index, Index i) { degrees[i] = degree_of(i, mean); });
    cuda::exclusive_sum(counting, degrees, nodes, begins);
    cuda::over_elements(counting, 1, nodes, [=] __device__(Index, Index i) {
      rows[i] = {static_cast<std::uint64_t>(begins[i]), degrees[i], static_cast<std::uint32_t>(i)};
    });
    device.copy(&edges, begins + nodes, sizeof edges);
  }
  graph.columns = Array<std::int32_t>(static_cast<std::size_t>(edges));
  std::int32_t* columns = graph.columns.data();
  cuda::over_elements(call, 1, edges, [=] __device__(Index, Index e) { columns[e] = source_of(e, nodes); });
  graph.features = Array<std::uint16_t>(static_cast<std::size_t>(nodes * cols));
  std::uint16_t* features = graph.features.data();
  // bf16 between 1 and 2.
  cuda::over_elements(call, nodes, cols, [=] __device__(Index i, Index j) {
    features[i * cols + j] = static_cast<std::uint16_t>(0x3f80u | (bits_of(i * cols + j, 3) & 0x7fu));
  });
  device.synchronise("make a graph");
  return graph;
}

}  // namespace kith::bench
