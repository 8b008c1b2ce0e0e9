#include <benchmark/benchmark.h>

#include "kith/bench/kernels/skewed_graph.h"
#include "kith/core/parallel.h"
#include "kith/kernels/cpu/panel_product.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/spmm.h"

// A forward layer relu(mean(x) Wᵀ + b), in four kernels one after the other and fused: a block of rows is
// aggregated into a scratch that stays in the second cache, multiplied, and finished there. What fusing can
// save is writing and reading the aggregate once, two rows of traffic beside the mean degree that a row
// gathers.
namespace kith {
namespace {

struct Layer {
  Layer(std::int64_t n, std::int64_t m, std::int64_t d)
      : a(bench::skewed_graph(n, m)),
        x(bench::ramp(n, d)),
        weight(bench::ramp(d, d)),
        bias(static_cast<std::size_t>(d), 0.5f),
        scale(static_cast<std::size_t>(n), 0.25f),
        aggregate(n, d),
        y(n, d) {}
  Csr32 a;
  Matrix x, weight;
  std::vector<float> bias, scale;
  Matrix aggregate, y;
};

void unfused(Layer& l) {
  spmm(Cpu{}, l.a, {.row_scale = l.scale}, l.x, l.aggregate);
  matmul(Cpu{}, Trans::no, l.aggregate, Trans::yes, l.weight, 0, l.y);
  add_bias(Cpu{}, l.bias, l.y);
  relu(Cpu{}, l.y, l.y);
}

/// The rows [begin, end) as a CSR of their own; indptr keeps its offsets.
CsrView<std::int32_t> rows_of(const Csr32& a, std::int64_t begin, std::int64_t end) {
  return {a.indptr.span().subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin) + 1),
          a.indices.span()};
}

void fused(Layer& l) {
  constexpr std::int64_t kRows = Panels::kRows;
  const std::int64_t d = l.x.cols();
  const Panels panels(Trans::yes, l.weight);
  parallel_for(0, l.a.n(), 16 * kRows, [&](std::int64_t first, std::int64_t last) {
    Matrix scratch(kRows, d);
    for (std::int64_t begin = first; begin < last; begin += kRows) {
      const std::int64_t end = std::min(begin + kRows, last);
      const Tensor block = scratch.view().row_range(0, end - begin), out = l.y.view().row_range(begin, end);
      const auto scale = std::span<const float>(l.scale).subspan(static_cast<std::size_t>(begin));
      spmm(Cpu{}, rows_of(l.a, begin, end), {.row_scale = scale}, l.x, block);
      panels.multiply({block.data, block.stride, 1}, 0, out);
      for (std::int64_t i = 0; i < out.rows; ++i)
        for (std::int64_t j = 0; j < d; ++j)
          out(i, j) = std::max(0.0f, out(i, j) + l.bias[static_cast<std::size_t>(j)]);
    }
  });
}

void run(benchmark::State& state, void (*layer)(Layer&)) {
  const ThreadLimit limit(static_cast<int>(state.range(3)));
  Layer l(state.range(0), state.range(1), state.range(2));
  layer(l);
  for (auto _ : state) {
    layer(l);
    benchmark::ClobberMemory();
  }
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"n", "m", "d", "threads"})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime()
      ->MeasureProcessCPUTime();
  for (const std::int64_t degree : {4, 10, 25})
    for (const std::int64_t d : {128, 256}) b->Args({200000, 200000 * degree, d, 2});
}
BENCHMARK_CAPTURE(run, layer_unfused, unfused)->Apply(sizes);
BENCHMARK_CAPTURE(run, layer_fused, fused)->Apply(sizes);

}  // namespace
}  // namespace kith
