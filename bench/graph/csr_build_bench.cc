// Building, transposing and looking over graphs of random edges: arguments are nodes, edges and threads.
// Reported are input edges per second; the physical limit is a few passes over 8 bytes an edge.
#include <benchmark/benchmark.h>

#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/graph/builders.h"
#include "kith/graph/properties.h"

namespace kith {
namespace {

struct RandomEdges {
  Array<std::int32_t> source, destination;
  EdgeColumns<std::int32_t> columns() const { return {source.span(), destination.span()}; }
};

RandomEdges random_edges(std::int64_t n, std::int64_t m) {
  RandomEdges edges{Array<std::int32_t>(static_cast<std::size_t>(m)),
                    Array<std::int32_t>(static_cast<std::size_t>(m))};
  const PhiloxKey key = philox_key(1, Stream::generate);
  parallel_for(0, m, 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t e = begin; e < end; ++e) {
      const PhiloxWords words = draw_words(key, StoreId(e), 0, 0);
      const auto bound = static_cast<std::uint64_t>(n);
      edges.source[e] = static_cast<std::int32_t>(bounded(word64(words, 0), bound));
      edges.destination[e] = static_cast<std::int32_t>(bounded(word64(words, 1), bound));
    }
  });
  return edges;
}

void count_edges(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * state.range(1));
  state.SetLabel("edges");
}

void csr_from_random_edges(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(2)));
  const RandomEdges edges = random_edges(state.range(0), state.range(1));
  for (auto _ : state) benchmark::DoNotOptimize(csr_from_edges(edges.columns(), state.range(0), {}));
  count_edges(state);
}

void undirected_from_random_edges(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(2)));
  const RandomEdges edges = random_edges(state.range(0), state.range(1));
  for (auto _ : state)
    benchmark::DoNotOptimize(csr_from_edges(edges.columns(), state.range(0), {.undirected = true}));
  count_edges(state);
}

Csr32 random_csr(const benchmark::State& state) {
  return csr_from_edges(random_edges(state.range(0), state.range(1)).columns(), state.range(0), {});
}

void transpose(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(2)));
  const Csr32 graph = random_csr(state);
  for (auto _ : state) benchmark::DoNotOptimize(transposed(graph.view(), state.range(0)));
  count_edges(state);
}

void transpose_with_edges(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(2)));
  const Csr32 graph = random_csr(state);
  for (auto _ : state) benchmark::DoNotOptimize(transposed_with_edges(graph.view(), state.range(0)));
  count_edges(state);
}

void components(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(2)));
  const Csr32 graph = random_csr(state);
  const CsrAny any{graph.indptr.span(), graph.indices.span()};
  for (auto _ : state) benchmark::DoNotOptimize(connected_components(any));
  count_edges(state);
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"n", "m", "threads"})->Unit(benchmark::kMillisecond)->UseRealTime();
  for (const std::int64_t threads : {1, 2}) {
    bench->Args({10'000, 100'000, threads});
    bench->Args({100'000, 2'500'000, threads});
    bench->Args({1'000'000, 25'000'000, threads});
  }
}

BENCHMARK(csr_from_random_edges)->Apply(sizes);
BENCHMARK(undirected_from_random_edges)->Apply(sizes);
BENCHMARK(transpose)->Apply(sizes);
BENCHMARK(transpose_with_edges)->Apply(sizes);
BENCHMARK(components)->Apply(sizes);

}  // namespace
}  // namespace kith
