#include "kith/bench/gpu/cases.h"
#include "kith/bench/gpu/timing.h"
#include "kith/graph/builders.h"
#include "kith/kernels/fused_attention.h"
#include "kith/kernels/spmm.h"

namespace kith::bench {

Json attention_case(CudaDevice& device, const NamedGraph& graph, int heads, std::int64_t width) {
  const Backend on = Cuda{&device};
  const PlacedGraph placed(device, graph.csr);
  const TransposedCsr transpose = transposed_with_edges(placed.csr, graph.csr.n());
  const PlacedGraph across(device, transpose.csr);
  const CudaMirror edge(device, transpose.edge.data(), transpose.edge.size() * 8);
  const std::int64_t n = graph.csr.n(), cols = heads * width, m = graph.csr.m();
  const Matrix x = ramp_on(device, n, cols), left = ramp_on(device, n, heads),
               right = ramp_on(device, n, heads), dy = ramp_on(device, n, cols);
  const UseMemory there(&device);
  Matrix y(n, cols), log_sums(n, heads), dx(n, cols), dleft(n, heads), dright(n, heads);
  const GatAttention attention{left, right, x, 0.2f, {}};
  const auto measured = [&](auto&& run) {
    device.reset_peak();
    const std::int64_t before = device.memory_use().live_bytes;
    const double time = milliseconds(device, [&](int) { run(); });
    return Json{{"milliseconds", time}, {"made_bytes", device.memory_use().peak_bytes - before}};
  };
  Json result{{"graph", graph.name}, {"heads", heads}, {"width", width}};
  result["fused"] = measured([&] {
    attend(on, placed.csr, {}, attention, {y, log_sums});
    attend_backward(on, placed.csr, transpose, attention, {dy, log_sums},
                    {.dleft = dleft, .dright = dright, .dx = dx});
  });
  result["by_the_entry"] = measured([&] {
    Array<float> alpha(static_cast<std::size_t>(m * heads)), ds(static_cast<std::size_t>(m * heads));
    edge_softmax(on, placed.csr, {}, left, right, 0.2f, alpha.span());
    spmm(on, placed.csr, {.weights = alpha.span(), .heads = heads}, x, y);
    sddmm_dot(on, placed.csr, {}, heads, dy, x, ds.span());
    edge_softmax_backward(on, placed.csr, left, right, 0.2f, alpha.span(), ds.span(), dleft, 0);
    sum_edges(on, transpose.csr, transpose.edge.span(), ds.span(), dright, 0);
    spmm(on, transpose.csr, {.weights = alpha.span(), .edge = transpose.edge.span(), .heads = heads}, dy, dx);
  });
  return result;
}

}  // namespace kith::bench
