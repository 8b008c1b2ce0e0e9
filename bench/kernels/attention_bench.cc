#include <benchmark/benchmark.h>

#include "kith/bench/kernels/skewed_graph.h"
#include "kith/core/parallel.h"
#include "kith/graph/builders.h"
#include "kith/kernels/fused_attention.h"
#include "kith/kernels/spmm.h"

// GAT with 8 heads of 32: the fused sweeps beside the same from unfused kernels, which keep [m, heads], and
// beside a plain SpMM of the width, which is what one gather of all rows takes. Edges per second.
namespace kith {
namespace {

constexpr int kHeads = 8;
constexpr float kSlope = 0.2f;

struct Graph {
  Graph(std::int64_t n, std::int64_t m)
      : a(bench::skewed_graph(n, m)),
        transpose(transposed_with_edges(a.view(), n)),
        left(bench::ramp(n, kHeads)),
        right(bench::ramp(n, kHeads)),
        x(bench::ramp(n, 32 * kHeads)),
        dy(bench::ramp(n, 32 * kHeads)),
        y(n, 32 * kHeads, 0.0f),
        log_sums(n, kHeads),
        dleft(n, kHeads),
        dright(n, kHeads) {}
  GatAttention attention() const { return {left, right, x, kSlope, {}}; }

  Csr32 a;
  TransposedCsr transpose;
  Matrix left, right, x, dy, y, log_sums, dleft, dright;
};

void gather(Graph& g) { spmm(Cpu{}, g.a, {}, g.x, g.y); }

void fused_forward(Graph& g) { attend(Cpu{}, g.a, {}, g.attention(), {g.y, g.log_sums}); }

void fused_backward(Graph& g) {
  attend_backward(Cpu{}, g.a, g.transpose, g.attention(), {g.dy, g.log_sums},
                  {.dleft = g.dleft, .dright = g.dright, .dx = g.y});
}

void unfused_forward(Graph& g) {
  Array<float> alpha(static_cast<std::size_t>(g.a.m() * kHeads));
  edge_softmax(Cpu{}, g.a, {}, g.left, g.right, kSlope, alpha);
  spmm(Cpu{}, g.a, {.weights = alpha.span(), .heads = kHeads}, g.x, g.y);
}

void unfused_backward(Graph& g) {
  Array<float> alpha(static_cast<std::size_t>(g.a.m() * kHeads)), ds(alpha.size());
  edge_softmax(Cpu{}, g.a, {}, g.left, g.right, kSlope, alpha);
  sddmm_dot(Cpu{}, g.a, {}, kHeads, g.dy, g.x, ds);
  edge_softmax_backward(Cpu{}, g.a, g.left, g.right, kSlope, alpha, ds, g.dleft, 0);
  sum_edges(Cpu{}, g.transpose.csr, g.transpose.edge, ds, g.dright, 0);
  spmm(Cpu{}, g.transpose.csr, {.weights = alpha.span(), .edge = g.transpose.edge.span(), .heads = kHeads},
       g.dy, g.y);
}

void run(benchmark::State& state, void (*kernel)(Graph&)) {
  const ThreadLimit limit(static_cast<int>(state.range(2)));
  Graph graph(state.range(0), state.range(1));
  fused_forward(graph);
  for (auto _ : state) {
    kernel(graph);
    benchmark::ClobberMemory();
  }
  state.counters["edges"] = benchmark::Counter(static_cast<double>(state.iterations() * state.range(1)),
                                               benchmark::Counter::kIsRate);
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"n", "m", "threads"})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime()
      ->Args({100000, 5000000, 2});
}
BENCHMARK_CAPTURE(run, gat_gather, gather)->Apply(sizes);
BENCHMARK_CAPTURE(run, gat_fused_forward, fused_forward)->Apply(sizes);
BENCHMARK_CAPTURE(run, gat_unfused_forward, unfused_forward)->Apply(sizes);
BENCHMARK_CAPTURE(run, gat_fused_backward, fused_backward)->Apply(sizes);
BENCHMARK_CAPTURE(run, gat_unfused_backward, unfused_backward)->Apply(sizes);

}  // namespace
}  // namespace kith
