// All-reduce and exchange of rows between the ranks of an MPI job: mpiexec -n 2 kith_comm_bench. Every rank
// runs the same fixed number of iterations (a collective must not be left by one rank alone); rank 0 prints.
// Data is written afresh and read in every iteration, because what lies in the cache moves for nothing.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <mpi.h>

#include "kith/comm/row_exchange.h"
#include "kith/comm/shared_exchange.h"
#include "kith/comm/world.h"

namespace {

std::unique_ptr<kith::Communicator> world;

constexpr std::int64_t kBytesPerRun = std::int64_t{256} << 20;

std::int64_t iterations(std::int64_t bytes) {
  return std::clamp<std::int64_t>(kBytesPerRun / bytes, 20, 2000);
}

/// Times `body` alone, from a common start to this rank's end; `least_us` is the best of all iterations, for
/// a machine that others use.
template <class Body>
void time_collective(benchmark::State& state, std::int64_t bytes, std::vector<float>& values, Body&& body) {
  double least = std::numeric_limits<double>::infinity();
  for (auto _ : state) {
    std::fill(values.begin(), values.end(), 1.0f);
    kith::barrier(*world, "start of an iteration");
    const auto begin = std::chrono::steady_clock::now();
    body();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    state.SetIterationTime(seconds);
    least = std::min(least, seconds);
    benchmark::DoNotOptimize(values.back());
  }
  state.SetBytesProcessed(state.iterations() * bytes);
  state.counters["least_us"] = least * 1e6;
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

/// The same rows from one matrix into another: encoded (copied) for the wire, exchanged, decoded (copied).
/// `exchange(encode, decode)` calls encode(wire) once and decode(from, wire) for every other rank.
template <class Exchange>
void halo(benchmark::State& state, Exchange&& exchange) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const auto others = static_cast<std::size_t>(world->size()) - 1;
  std::vector<float> x(bytes / 4 * others), y(x.size());
  const auto* from = reinterpret_cast<const std::byte*>(x.data());
  auto* to = reinterpret_cast<std::byte*>(y.data());
  time_collective(state, static_cast<std::int64_t>(bytes * others), x, [&] {
    exchange(
        bytes, others, [&](std::byte* wire) { std::memcpy(wire, from, bytes * others); },
        [&](std::size_t place, const std::byte* wire) { std::memcpy(to + place * bytes, wire, bytes); });
    benchmark::DoNotOptimize(to);
  });
}

/// The ranks beside this one, in order.
std::vector<int> peers() {
  std::vector<int> ranks;
  for (int r = 0; r < world->size(); ++r)
    if (kith::Rank(r) != world->rank()) ranks.push_back(r);
  return ranks;
}

/// By the library itself, from and into memory that is used again.
void mpi_halo(benchmark::State& state) {
  std::vector<std::byte> sent, arrived;
  const std::vector<int> ranks = peers();
  halo(state, [&](std::size_t bytes, std::size_t others, auto&& encode, auto&& decode) {
    sent.resize(bytes * others);
    arrived.resize(bytes * others);
    encode(sent.data());
    std::vector<MPI_Request> requests;
    for (std::size_t i = 0; i < others; ++i) {
      const auto count = static_cast<int>(bytes);
      MPI_Irecv(arrived.data() + i * bytes, count, MPI_BYTE, ranks[i], 0, MPI_COMM_WORLD,
                &requests.emplace_back());
    }
    for (std::size_t i = 0; i < others; ++i) {
      const auto count = static_cast<int>(bytes);
      MPI_Isend(sent.data() + i * bytes, count, MPI_BYTE, ranks[i], 0, MPI_COMM_WORLD,
                &requests.emplace_back());
    }
    MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
    for (std::size_t i = 0; i < others; ++i) decode(i, arrived.data() + i * bytes);
  });
}

/// The library's exchange alone, of what lies packed.
void mpi_exchange(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const std::vector<int> ranks = peers();
  std::vector<float> sent(bytes / 4 * ranks.size()), arrived(sent.size());
  time_collective(state, static_cast<std::int64_t>(bytes * ranks.size()), sent, [&] {
    std::vector<MPI_Request> requests;
    for (std::size_t i = 0; i < ranks.size(); ++i)
      MPI_Irecv(arrived.data() + i * bytes / 4, static_cast<int>(bytes), MPI_BYTE, ranks[i], 0,
                MPI_COMM_WORLD, &requests.emplace_back());
    for (std::size_t i = 0; i < ranks.size(); ++i)
      MPI_Isend(sent.data() + i * bytes / 4, static_cast<int>(bytes), MPI_BYTE, ranks[i], 0, MPI_COMM_WORLD,
                &requests.emplace_back());
    MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
    benchmark::DoNotOptimize(arrived.back());
  });
}

/// Through memory that both ranks have: encoded into it, decoded from it.
void shared_halo(benchmark::State& state) {
  kith::SharedExchange shared(*world);
  const std::vector<int> ranks = peers();
  halo(state, [&](std::size_t bytes, std::size_t others, auto&& encode, auto&& decode) {
    const auto room = shared.room(bytes * others);
    const std::span<std::byte> wire = kith::SharedExchange::bytes_of(*room);
    encode(wire.data());
    for (std::size_t i = 0; i < others; ++i)
      shared.publish(room, kith::Rank(ranks[i]), wire.subspan(i * bytes, bytes), 0, "benchmark");
    for (std::size_t i = 0; i < others; ++i) {
      auto receive = shared.start_receive(kith::Rank(ranks[i]), "benchmark");
      world->wait(std::move(receive.pending));
      decode(i, receive.arrival->bytes().data());
    }
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
  add("MPI_exchange", mpi_exchange);
  add("halo/MPI", mpi_halo);
  add("halo/shared_memory", shared_halo);
  Silent silent;
  if (world->rank() == kith::Rank(0))
    benchmark::RunSpecifiedBenchmarks();
  else
    benchmark::RunSpecifiedBenchmarks(&silent);
  world.reset();
  return 0;
}
