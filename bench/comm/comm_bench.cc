// All-reduce and row exchange between the ranks of an MPI job: mpiexec -n 2 kith_comm_bench. Every rank runs
// the same fixed number of iterations (a collective must not be left by one rank alone); rank 0 prints. Data
// is written afresh and read in every iteration, because what lies in the cache moves for nothing.
#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <mpi.h>

#include "kith/comm/row_exchange.h"
#include "kith/comm/world.h"

namespace {

std::unique_ptr<kith::Communicator> world;

constexpr std::int64_t kBytesPerRun = std::int64_t{256} << 20;

std::int64_t iterations(std::int64_t bytes) {
  return std::clamp<std::int64_t>(kBytesPerRun / bytes, 20, 2000);
}

/// Times `body` alone, from a common start to the slowest rank's end.
template <class Body>
void time_collective(benchmark::State& state, std::int64_t bytes, std::vector<float>& values, Body&& body) {
  for (auto _ : state) {
    std::fill(values.begin(), values.end(), 1.0f);
    kith::barrier(*world, "start of an iteration");
    const auto begin = std::chrono::steady_clock::now();
    body();
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    benchmark::DoNotOptimize(values.back());
  }
  state.SetBytesProcessed(state.iterations() * bytes);
}

void all_reduce(benchmark::State& state) {
  std::vector<float> values(static_cast<std::size_t>(state.range(0) / 4));
  time_collective(state, state.range(0), values,
                  [&] { kith::all_reduce_sum(*world, std::span(values), "benchmark"); });
}

/// What the library's own collective takes, for comparison; its sums do not promise the same bits.
void mpi_all_reduce(benchmark::State& state) {
  std::vector<float> values(static_cast<std::size_t>(state.range(0) / 4)), sums(values.size());
  time_collective(state, state.range(0), values, [&] {
    MPI_Allreduce(values.data(), sums.data(), static_cast<int>(values.size()), MPI_FLOAT, MPI_SUM,
                  MPI_COMM_WORLD);
  });
}

/// Every rank sends as many rows of 256 bytes to every other.
void row_exchange(benchmark::State& state) {
  constexpr std::int64_t kRowBytes = 256;
  const auto ranks = static_cast<std::size_t>(world->size());
  kith::RowCounts counts;
  counts.send.assign(ranks, state.range(0) / kRowBytes);
  counts.send[static_cast<std::size_t>(world->rank().value())] = 0;
  counts.receive = counts.send;
  std::vector<float> send(static_cast<std::size_t>(counts.total_send() * kRowBytes / 4)),
      receive(send.size());
  kith::Ledger ledger;
  kith::RowExchange exchange(*world, ledger);
  time_collective(state, static_cast<std::int64_t>(send.size()) * 4, send, [&] {
    exchange.exchange(std::as_bytes(std::span(send)), std::as_writable_bytes(std::span(receive)), counts,
                      kRowBytes, {});
  });
}

void add(const char* name, void (*body)(benchmark::State&)) {
  for (const std::int64_t bytes : {1 << 10, 1 << 14, 1 << 17, 1 << 20, 1 << 22, 1 << 24})
    benchmark::RegisterBenchmark(name, body)->Arg(bytes)->Iterations(iterations(bytes))->UseManualTime();
}

struct Silent : benchmark::BenchmarkReporter {
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>&) override {}
};

}  // namespace

int main(int argc, char** argv) {
  kith::MpiEnvironment environment(argc, argv);
  world = environment.world();
  benchmark::Initialize(&argc, argv);
  add("all_reduce", all_reduce);
  add("MPI_Allreduce", mpi_all_reduce);
  add("row_exchange", row_exchange);
  Silent silent;
  if (world->rank() == kith::Rank(0))
    benchmark::RunSpecifiedBenchmarks();
  else
    benchmark::RunSpecifiedBenchmarks(&silent);
  world.reset();
  return 0;
}
