// What a GPU does of what it could: `kith_gpu_bench OUT.json [NODES [EDGES]]`. SpMM beside cuSPARSE, the
// fused attention beside the kernels by the entry, and the measured copy rate they are held against; sampled
// edges per second. Times of kernels are medians of CUDA events over inputs that rotate, so that no run finds
// the last one's rows in the cache.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <vector>

#include <cuda_runtime_api.h>
#include <nlohmann/json.hpp>

#include "kith/bench/gpu/cusparse.h"
#include "kith/bench/gpu/graphs.h"
#include "kith/core/cuda/handles.h"
#include "kith/graph/builders.h"
#include "kith/kernels/fused_attention.h"
#include "kith/kernels/rows.h"
#include "kith/kernels/spmm.h"
#include "kith/sampler/device_sampler.h"

namespace kith::bench {
namespace {

using Json = nlohmann::json;
constexpr int kRepeats = 11, kRotation = 2;

/// Median milliseconds of run(0), run(1), … after one of each.
template <class Run>
double milliseconds(CudaDevice& device, Run&& run) {
  for (int i = 0; i < kRotation; ++i) run(i);
  std::vector<double> times;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const CudaEvent begin, end;
    check_cuda(cudaEventRecord(begin.get(), device.stream()), "begin a timing");
    run(repeat % kRotation);
    check_cuda(cudaEventRecord(end.get(), device.stream()), "end a timing");
    device.synchronise("a timing");
    float time = 0;
    check_cuda(cudaEventElapsedTime(&time, begin.get(), end.get()), "read a timing");
    times.push_back(time);
  }
  std::nth_element(times.begin(), times.begin() + kRepeats / 2, times.end());
  return times[kRepeats / 2];
}

Matrix ramp_on(CudaDevice& device, std::int64_t rows, std::int64_t cols) {
  Matrix x(rows, cols);
  for (std::int64_t k = 0; k < x.size(); ++k) x.data()[k] = static_cast<float>(k % 1000) * 1e-3f;
  const UseMemory there(&device);
  return copy_of(x);
}

/// Bytes read and written a second by copies inside the device.
double copy_rate(CudaDevice& device) {
  const auto bytes =
      static_cast<std::size_t>(std::min<std::int64_t>(device.facts().memory_bytes / 8, 4LL << 30));
  const UseMemory there(&device);
  const Buffer from(bytes), to(bytes);
  const double time = milliseconds(device, [&](int) { device.start_copy(to.data(), from.data(), bytes); });
  return 2.0 * static_cast<double>(bytes) / (time * 1e-3);
}

/// A graph with its arrays on the device.
struct PlacedGraph {
  PlacedGraph(CudaDevice& device, const Csr32& a)
      : csr(a),
        indptr(device, a.indptr.data(), a.indptr.size() * 8),
        indices(device, a.indices.data(), a.indices.size() * 4) {}
  CsrView<std::int32_t> csr;
  CudaMirror indptr, indices;
};

/// Columns, row ends, every gathered row and the result: what moves without any reuse.
double bytes_without_reuse(CsrView<std::int32_t> a, std::int64_t cols, std::int64_t element) {
  return static_cast<double>(4 * a.m() + 8 * a.n() + element * cols * a.m() + 4 * cols * a.n());
}

Json spmm_case(CudaDevice& device, const NamedGraph& graph, std::int64_t cols, DType type) {
  const Backend on = Cuda{&device};
  const PlacedGraph placed(device, graph.csr);
  const std::int64_t n = graph.csr.n();
  std::vector<Matrix> x;
  std::vector<Buffer> narrow;
  const auto element = static_cast<std::int64_t>(size_of(type));
  for (int i = 0; i < kRotation; ++i) {
    x.push_back(ramp_on(device, n, cols));
    const UseMemory there(&device);
    narrow.emplace_back(type == DType::f32 ? 0 : static_cast<std::size_t>(n * cols * element));
    if (type != DType::f32) encode_rows(on, x.back(), type, narrow.back().data(), {});
  }
  const UseMemory there(&device);
  Matrix y(n, cols);
  const auto rows = [&](int i) {
    const auto at = static_cast<std::size_t>(i);
    return type == DType::f32 ? StoredRows(x[at].view()) : StoredRows(narrow[at].data(), type, n, cols);
  };
  const double ours = milliseconds(device, [&](int i) { spmm_stored(on, placed.csr, {}, rows(i), y); });
  const double bytes = bytes_without_reuse(placed.csr, cols, element);
  Json result{{"graph", graph.name},
              {"nodes", n},
              {"edges", graph.csr.m()},
              {"columns", cols},
              {"type", name_of(type)},
              {"milliseconds", ours},
              {"bytes_without_reuse_per_second", bytes / (ours * 1e-3)}};
  std::vector<std::unique_ptr<Cusparse>> theirs;
  for (int i = 0; i < kRotation; ++i)
    theirs.push_back(Cusparse::make(device, placed.csr, cols, type, rows(i).data, y.data()));
  if (theirs.front() != nullptr) {
    const double time = milliseconds(device, [&](int i) { theirs[static_cast<std::size_t>(i)]->run(); });
    result["cusparse_milliseconds"] = time;
    result["speedup"] = time / ours;
  }
  return result;
}

/// GAT forward and backward in one sweep, and by the entry; milliseconds and the peak of what is made.
Json attention_case(CudaDevice& device, const NamedGraph& graph, int heads, std::int64_t width) {
  const Backend on = Cuda{&device};
  const PlacedGraph placed(device, graph.csr);
  const TransposedCsr transpose = transposed_with_edges(placed.csr, graph.csr.n());
  const PlacedGraph across(device, transpose.csr);
  const CudaMirror edge(device, transpose.edge.data(), transpose.edge.size() * 8);
  const std::int64_t n = graph.csr.n(), cols = heads * width, m = graph.csr.m();
  const Matrix x = ramp_on(device, n, cols), left = ramp_on(device, n, heads),
               right = ramp_on(device, n, heads), dy = ramp_on(device, n, cols);
  const UseMemory there(&device);
  Matrix y(n, cols), log_sums(n, heads), dx(n, cols), dleft(n, heads), dright(n, heads);
  const GatAttention attention{left, right, x, 0.2f, {}};
  const auto measured = [&](auto&& run) {
    device.reset_peak();
    const std::int64_t before = device.memory_use().live_bytes;
    const double time = milliseconds(device, [&](int) { run(); });
    return Json{{"milliseconds", time}, {"made_bytes", device.memory_use().peak_bytes - before}};
  };
  Json result{{"graph", graph.name}, {"heads", heads}, {"width", width}};
  result["fused"] = measured([&] {
    attend(on, placed.csr, {}, attention, {y, log_sums});
    attend_backward(on, placed.csr, transpose, attention, {dy, log_sums},
                    {.dleft = dleft, .dright = dright, .dx = dx});
  });
  result["by_the_entry"] = measured([&] {
    Array<float> alpha(static_cast<std::size_t>(m * heads)), ds(static_cast<std::size_t>(m * heads));
    edge_softmax(on, placed.csr, {}, left, right, 0.2f, alpha.span());
    spmm(on, placed.csr, {.weights = alpha.span(), .heads = heads}, x, y);
    sddmm_dot(on, placed.csr, {}, heads, dy, x, ds.span());
    edge_softmax_backward(on, placed.csr, left, right, 0.2f, alpha.span(), ds.span(), dleft, 0);
    sum_edges(on, transpose.csr, transpose.edge.span(), ds.span(), dright, 0);
    spmm(on, transpose.csr, {.weights = alpha.span(), .edge = transpose.edge.span(), .heads = heads}, dy, dx);
  });
  return result;
}

/// Batches of 1,024 seeds with fanout 15,10,5, each until the host has it, whose time is taken.
Json sampler_case(CudaDevice& device, const NamedGraph& graph, const PackedRows& rows, RowPlace place) {
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

int run(const char* out, std::int64_t nodes, std::int64_t edges) {
  if (CudaDevice::count() == 0) {
    std::fprintf(stderr, "kith_gpu_bench: no CUDA device here\n");
    return 2;
  }
  CudaDevice& device = CudaDevice::open(0);
  const CudaFacts& facts = device.facts();
  const double copied = copy_rate(device);
  Json json{{"device", facts.name},
            {"driver", facts.driver},
            {"runtime", facts.runtime},
            {"l2_bytes", facts.l2_bytes},
            {"copy_bytes_per_second", copied}};
  for (const NamedGraph& graph : bench_graphs(nodes, edges)) {
    for (const std::int64_t cols : {64, 128, 256}) {
      for (const DType type : {DType::f32, DType::bf16}) {
        Json one = spmm_case(device, graph, cols, type);
        one["share_of_copy_rate"] = one["bytes_without_reuse_per_second"].get<double>() / copied;
        std::printf("%s\n", one.dump().c_str());
        json["spmm"].push_back(std::move(one));
      }
    }
    Json one = attention_case(device, graph, 4, 32);
    std::printf("%s\n", one.dump().c_str());
    json["attention"].push_back(std::move(one));
    const PackedRows rows(graph.csr);
    for (const RowPlace place : {RowPlace::device, RowPlace::host}) {
      Json sampled = sampler_case(device, graph, rows, place);
      std::printf("%s\n", sampled.dump().c_str());
      json["sampler"].push_back(std::move(sampled));
    }
  }
  std::ofstream file(out);
  file << json.dump(1) << '\n';
  return file.good() ? 0 : 1;
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: kith_gpu_bench OUT.json [NODES [EDGES]]\n");
    return 2;
  }
  const auto number = [&](int i, std::int64_t otherwise) {
    return argc > i ? std::atoll(argv[i]) : otherwise;
  };
  return kith::bench::run(argv[1], number(2, 1 << 21), number(3, 50'000'000));
}
