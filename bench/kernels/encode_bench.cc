#include <vector>

#include <benchmark/benchmark.h>

#include "kith/bench/kernels/skewed_graph.h"
#include "kith/core/parallel.h"
#include "kith/kernels/quantise.h"
#include "kith/kernels/rows.h"

// 20,000 rows on their way to a wire and back, in bytes of fp32 per second; arguments: columns, threads.
namespace kith {
namespace {

constexpr std::int64_t kRows = 20000;

void report(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * kRows * state.range(0) *
                          static_cast<std::int64_t>(sizeof(float)));
}

template <DType kType>
void encode(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(1)));
  const Matrix x = bench::ramp(kRows, state.range(0));
  std::vector<std::byte> wire(static_cast<std::size_t>(x.size()) * 2);
  for (auto _ : state) encode_rows(Cpu{}, x, kType, wire.data(), {});
  report(state);
}
template <DType kType>
void decode(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(1)));
  Matrix x = bench::ramp(kRows, state.range(0));
  std::vector<std::byte> wire(static_cast<std::size_t>(x.size()) * 2);
  for (auto _ : state) decode_rows(Cpu{}, wire.data(), kType, {}, x);
  report(state);
}

/// As a halo sends them: every other row of a matrix.
template <DType kType>
void encode_chosen(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(1)));
  const Matrix x = bench::ramp(2 * kRows, state.range(0));
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 0; i < kRows; ++i) rows.push_back(2 * i + i % 2);
  std::vector<std::byte> wire(static_cast<std::size_t>(x.size()));
  for (auto _ : state) encode_chosen_rows(x, rows, kType, wire.data());
  report(state);
}

template <int kBits>
void quantise(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(1)));
  const Matrix x = bench::ramp(kRows, state.range(0));
  std::vector<StoreId> ids;
  for (std::int64_t i = 0; i < kRows; ++i) ids.emplace_back(i);
  std::vector<std::byte> wire(static_cast<std::size_t>(kRows * quantised_row_bytes(kBits, x.cols())));
  for (auto _ : state)
    quantise_rows(Cpu{}, x, {}, ids, kBits, {philox_key(1, Stream::rounding), 0}, wire.data());
  report(state);
}
template <int kBits>
void dequantise(benchmark::State& state) {
  const ThreadLimit limit(static_cast<int>(state.range(1)));
  Matrix x = bench::ramp(kRows, state.range(0));
  std::vector<std::byte> wire(static_cast<std::size_t>(kRows * quantised_row_bytes(kBits, x.cols())));
  for (auto _ : state) dequantise_rows(Cpu{}, wire.data(), kBits, x);
  report(state);
}

BENCHMARK(encode<DType::bf16>)->Args({128, 1})->Args({256, 1});
BENCHMARK(encode<DType::f16>)->Args({128, 1})->Args({256, 1});
BENCHMARK(decode<DType::bf16>)->Args({128, 1})->Args({256, 1});
BENCHMARK(decode<DType::f16>)->Args({128, 1})->Args({256, 1});
BENCHMARK(quantise<8>)->Args({128, 1})->Args({256, 1});
BENCHMARK(quantise<4>)->Args({128, 1})->Args({256, 1});
BENCHMARK(encode_chosen<DType::bf16>)->Args({128, 1})->Args({256, 1});
BENCHMARK(quantise<2>)->Args({128, 1})->Args({256, 1});
BENCHMARK(quantise<1>)->Args({128, 1})->Args({256, 1});
BENCHMARK(dequantise<8>)->Args({128, 1})->Args({256, 1});
BENCHMARK(dequantise<4>)->Args({128, 1})->Args({256, 1});

}  // namespace
}  // namespace kith
