#include <cstring>
#include <vector>

#include <benchmark/benchmark.h>

#include "kith/bench/kernels/skewed_graph.h"
#include "kith/core/parallel.h"
#include "kith/kernels/rows.h"

// 250,000 random rows of a table of a million, in bytes of rows read per second.
namespace kith {
namespace {

constexpr std::int64_t kTable = 1 << 20, kRows = 250000;

std::vector<std::int32_t> random_rows() {
  std::vector<std::int32_t> rows(kRows);
  for (std::int64_t i = 0; i < kRows; ++i)
    rows[i] = static_cast<std::int32_t>(bench::random_bits(i) % kTable);
  return rows;
}

void report(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * kRows * state.range(0) *
                          static_cast<std::int64_t>(sizeof(float)));
}

void gather_plain_loop(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(1)));
  const Matrix x = bench::ramp(kTable, state.range(0));
  const auto rows = random_rows();
  Matrix out(kRows, x.cols(), 0.0f);
  for (auto _ : state) {
    parallel_for(0, kRows, 1024, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        std::memcpy(&out(i, 0), x.view().row(rows[i]), static_cast<std::size_t>(x.cols()) * sizeof(float));
      }
    });
    benchmark::ClobberMemory();
  }
  report(state);
}

void gather(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(1)));
  const Matrix x = bench::ramp(kTable, state.range(0));
  const auto rows = random_rows();
  Matrix out(kRows, x.cols(), 0.0f);
  for (auto _ : state) {
    gather_rows(Cpu{}, x, rows, out);
    benchmark::ClobberMemory();
  }
  report(state);
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"d", "threads"})->Unit(benchmark::kMillisecond)->UseRealTime();
  b->Args({32, 2})->Args({128, 1})->Args({128, 2})->Args({256, 2});
}
BENCHMARK(gather_plain_loop)->Apply(sizes);
BENCHMARK(gather)->Apply(sizes);

}  // namespace
}  // namespace kith
