#include <benchmark/benchmark.h>

#include "kith/bench/kernels/skewed_graph.h"
#include "kith/core/parallel.h"
#include "kith/kernels/spmm.h"

// Edges per second, and the bytes per second of the rows that the edges gather (m · d · 4): the figure to
// hold against the machine's bandwidth for random rows, not against that for streams.
namespace kith {
namespace {

void report(benchmark::State& state, const Csr32& a, std::int64_t d) {
  const auto edges = static_cast<double>(state.iterations()) * static_cast<double>(a.m());
  state.counters["edges"] = benchmark::Counter(edges, benchmark::Counter::kIsRate);
  state.counters["gathered_bytes"] =
      benchmark::Counter(edges * 4.0 * static_cast<double>(d), benchmark::Counter::kIsRate);
}

/// The loop one writes first: one row after the other, the sum in memory.
void plain_loop(CsrView<std::int32_t> a, ConstTensor x, Tensor y) {
  parallel_for(0, a.n(), 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::fill_n(y.row(i), y.cols, 0.0f);
      for (const std::int32_t c : a.row(i)) {
        for (std::int64_t j = 0; j < y.cols; ++j) y(i, j) += x(c, j);
      }
    }
  });
}

template <class Kernel>
void run(benchmark::State& state, Kernel&& kernel) {
  const std::int64_t n = state.range(0), m = state.range(1), d = state.range(2);
  const ThreadLimit limit(static_cast<int>(state.range(3)));
  const Csr32 a = bench::skewed_graph(n, m);
  const Matrix x = bench::ramp(n, d);
  Matrix y(n, d, 0.0f);
  for (auto _ : state) {
    kernel(a.view(), x, y);
    benchmark::ClobberMemory();
  }
  report(state, a, d);
}

void spmm_plain_loop(benchmark::State& state) { run(state, plain_loop); }
void spmm_sum(benchmark::State& state) {
  run(state, [](CsrView<std::int32_t> a, ConstTensor x, Tensor y) { spmm(Cpu{}, a, {}, x, y); });
}
void spmm_gcn(benchmark::State& state) {
  const std::vector<float> scale(static_cast<std::size_t>(state.range(0)), 0.5f);
  run(state, [&](CsrView<std::int32_t> a, ConstTensor x, Tensor y) {
    spmm(Cpu{}, a, {.row_scale = scale, .col_scale = scale, .self_scale = scale}, x, y);
  });
}
void spmm_four_heads(benchmark::State& state) {
  const std::vector<float> weights(static_cast<std::size_t>(state.range(1) * 4), 0.25f);
  run(state, [&](CsrView<std::int32_t> a, ConstTensor x, Tensor y) {
    spmm(Cpu{}, a, {.weights = weights, .heads = 4}, x, y);
  });
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"n", "m", "d", "threads"})->Unit(benchmark::kMillisecond)->UseRealTime();
  b->Args({3000, 30000, 16, 1})->Args({1000000, 25000000, 128, 1})->Args({1000000, 25000000, 128, 2});
}
BENCHMARK(spmm_plain_loop)->Apply(sizes);
BENCHMARK(spmm_sum)->Apply(sizes)->Args({1000000, 25000000, 16, 2})->Args({1000000, 25000000, 256, 2});
BENCHMARK(spmm_gcn)->Apply(sizes);
BENCHMARK(spmm_four_heads)->Apply(sizes);

}  // namespace
}  // namespace kith
