// What a GPU does of what it could: `kith_gpu_bench OUT.json [NODES [EDGES [STORE]...]]`. SpMM beside
// cuSPARSE, held against the measured copy rate; the fused attention beside the kernels by the entry; dense
// products in three precisions; a step as a CUDA graph; sampled edges per second; an epoch over a graph of
// papers100M's shape. STOREs are measured beside the graphs that are made. After each case the file is whole.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <span>

#include "kith/bench/gpu/cases.h"
#include "kith/core/error.h"

namespace kith::bench {
namespace {

class Report {
 public:
  explicit Report(const char* file) : file_(file) {}
  Json& facts() { return json_; }
  void add(const char* section, Json result) {
    std::printf("%s %s\n", section, result.dump().c_str());
    std::fflush(stdout);
    json_[section].push_back(std::move(result));
    write();
  }
  bool write() const {
    std::ofstream out(file_);
    out << json_.dump(1) << '\n';
    return out.good();
  }

 private:
  const char* file_;
  Json json_;
};

void measure_graph(CudaDevice& device, const NamedGraph& graph, double copied, Report& report) {
  for (const std::int64_t cols : {64, 128, 256})
    for (const DType type : {DType::f32, DType::bf16})
      report.add("spmm", spmm_case(device, graph, cols, type, copied));
  report.add("attention", attention_case(device, graph, 4, 32));
  for (Json& sampled : sampler_cases(device, graph)) report.add("sampler", std::move(sampled));
}

void measure_products(CudaDevice& device, std::int64_t rows, Report& report) {
  for (const std::int64_t cols : {64, 128, 256}) {
    for (const auto precision : {ProductPrecision::fp32, ProductPrecision::tf32, ProductPrecision::bf16}) {
      try {
        report.add("products", product_case(device, rows, cols, precision));
      } catch (const InputError& error) {
        report.add("products", {{"products_in", name_of(precision)}, {"refused", error.what()}});
      }
    }
  }
}

int run(const char* out, std::int64_t nodes, std::int64_t edges, std::span<char* const> stores) {
  if (CudaDevice::count() == 0) {
    std::fprintf(stderr, "kith_gpu_bench: no CUDA device here\n");
    return 2;
  }
  CudaDevice& device = CudaDevice::open(0);
  const CudaFacts& facts = device.facts();
  const double copied = copy_rate(device);
  Report report(out);
  report.facts() = {{"device", facts.name},
                    {"driver", facts.driver},
                    {"runtime", facts.runtime},
                    {"l2_bytes", facts.l2_bytes},
                    {"copy_bytes_per_second", copied}};
  for (const GraphMaker& maker : bench_graphs(nodes, edges)) measure_graph(device, maker(), copied, report);
  for (const char* store : stores) measure_graph(device, stored_graph(store), copied, report);
  measure_products(device, nodes, report);
  for (const std::int64_t small : {4096, 65536}) {
    if (small > 4096 && nodes < small) continue;
    const NamedGraph graph = bench_graphs(std::min(nodes, small), std::min(edges, 10 * small)).front()();
    for (const std::int64_t cols : {64, 128}) report.add("steady", steady_case(device, graph, cols));
  }
  PapersShape papers;
  // Asked for smaller graphs than by default, this one shrinks with them.
  const double share = static_cast<double>(nodes) / kBenchNodes;
  if (share < 1) {
    papers.nodes = static_cast<std::int64_t>(share * static_cast<double>(papers.nodes));
    papers.train_nodes = static_cast<std::int64_t>(share * static_cast<double>(papers.train_nodes));
  }
  report.add("papers100M_shaped", papers_case(device, papers));
  return report.write() ? 0 : 1;
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: kith_gpu_bench OUT.json [NODES [EDGES [STORE]...]]\n");
    return 2;
  }
  const auto number = [&](int i, std::int64_t otherwise) {
    return argc > i ? std::atoll(argv[i]) : otherwise;
  };
  const std::span<char* const> all(argv, static_cast<std::size_t>(argc));
  try {
    return kith::bench::run(argv[1], number(2, kith::bench::kBenchNodes), number(3, 50'000'000),
                            all.subspan(std::min<std::size_t>(4, all.size())));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kith_gpu_bench: %s\n", error.what());
    return 1;
  }
}
