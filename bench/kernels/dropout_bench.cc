#include <vector>

#include <benchmark/benchmark.h>

#include "kith/bench/kernels/skewed_graph.h"
#include "kith/core/parallel.h"
#include "kith/kernels/dense.h"

// Elements per second; the plain loop computes one Philox draw at a time.
namespace kith {
namespace {

constexpr std::int64_t kElements = 1 << 22;
constexpr PhiloxKey kKey{1, 2};

std::vector<StoreId> ids(std::int64_t rows) {
  std::vector<StoreId> all;
  for (std::int64_t i = 0; i < rows; ++i) all.emplace_back(i);
  return all;
}

void dropout_plain_loop(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(1)));
  const Matrix x = bench::ramp(kElements / state.range(0), state.range(0));
  Matrix y(x.rows(), x.cols());
  for (auto _ : state) {
    parallel_for(0, x.rows(), 256, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        for (std::int64_t j = 0; j < x.cols(); j += 4) {
          const PhiloxWords words = draw_words(kKey, StoreId(i), 0, static_cast<std::uint32_t>(j / 4));
          for (std::int64_t k = j; k < std::min(j + 4, x.cols()); ++k) {
            y(i, k) = words[k - j] >= 1u << 31 ? 2 * x(i, k) : 0;
          }
        }
      }
    });
  }
  state.SetItemsProcessed(state.iterations() * x.size());
}

void dropout_vectorised(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(1)));
  const Matrix x = bench::ramp(kElements / state.range(0), state.range(0));
  const auto rows = ids(x.rows());
  Matrix y(x.rows(), x.cols());
  for (auto _ : state) dropout(Cpu{}, {0.5f, kKey, 0, rows}, x, 0, y);
  state.SetItemsProcessed(state.iterations() * x.size());
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"d", "threads"})->Unit(benchmark::kMillisecond)->UseRealTime();
  b->Args({8, 1})->Args({128, 1})->Args({128, 2});
}
BENCHMARK(dropout_plain_loop)->Apply(sizes);
BENCHMARK(dropout_vectorised)->Apply(sizes);

}  // namespace
}  // namespace kith
