#include <benchmark/benchmark.h>

#include "kith/bench/kernels/skewed_graph.h"
#include "kith/core/parallel.h"
#include "kith/kernels/dense.h"

// Floating-point operations per second of a layer's products: x w forward, xᵀ dy for the weights.
namespace kith {
namespace {

void report(benchmark::State& state) {
  const auto flops = 2.0 * static_cast<double>(state.range(0) * state.range(1) * state.range(2));
  state.counters["flops"] =
      benchmark::Counter(flops * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void matmul_forward(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(3)));
  const Matrix x = bench::ramp(state.range(0), state.range(1)),
               w = bench::ramp(state.range(1), state.range(2));
  Matrix y(state.range(0), state.range(2));
  for (auto _ : state) matmul(Cpu{}, Trans::no, x, Trans::no, w, 0, y);
  report(state);
}

void matmul_weight_gradient(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(3)));
  const Matrix x = bench::ramp(state.range(0), state.range(1)),
               dy = bench::ramp(state.range(0), state.range(2));
  Matrix dw(state.range(1), state.range(2));
  for (auto _ : state) matmul(Cpu{}, Trans::yes, x, Trans::no, dy, 0, dw);
  report(state);
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"rows", "in", "out", "threads"})->Unit(benchmark::kMillisecond)->UseRealTime();
  b->Args({2708, 1433, 16, 2})
      ->Args({100000, 256, 128, 1})
      ->Args({100000, 256, 128, 2})
      ->Args({200000, 256, 256, 1})
      ->Args({200000, 256, 256, 2});
}
BENCHMARK(matmul_forward)->Apply(sizes);
BENCHMARK(matmul_weight_gradient)->Apply(sizes);

}  // namespace
}  // namespace kith
