// The maximum over in-neighbours. Arrivals change nothing of what is chosen: a row is computed once, when all
// its sources are in place, in the order of its entries.
#include "kith/exec/halo/source_rows.h"
#include "kith/exec/ops.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/max.h"

namespace kith {
namespace {

/// What the backward pass needs.
struct Chosen {
  Array<std::int32_t> slots;  ///< [destinations, d]
  bool exchanged = false;
  int layer = 0;
  std::uint32_t step = 0;
};

void maximum_backward(const Backend& on, const LayerGraph& graph, const Chosen& chosen, ConstTensor dy,
                      GradientSlot dx) {
  if (!chosen.exchanged) {
    row_maximum_backward(on, graph.csr(), graph.transpose_with_edges(), chosen.slots.span(), dy, dx.beta,
                         dx.tensor);
    return;
  }
  Matrix all(graph.sources(), dy.cols);
  row_maximum_backward(on, graph.csr(), graph.transpose_with_edges(), chosen.slots.span(), dy, 0, all);
  return_gradients(on, graph, all, chosen.layer, chosen.step, dx);
}

}  // namespace

Var neighbour_maximum(Tape& tape, const LayerGraph& graph, const Var& x) {
  Chosen chosen{.slots = Array<std::int32_t>(static_cast<std::size_t>(graph.destinations() * x.cols())),
                .exchanged = needs_exchange(graph, x.rows()),
                .step = tape.step()};
  Matrix y(graph.destinations(), x.cols());
  if (chosen.exchanged) {
    chosen.layer = tape.next_exchange();
    SourceRows sources(tape.on(), graph, x.value(), chosen.layer, chosen.step);
    sources.cover(
        [&](std::span<const std::int32_t> rows) {
          row_maximum(tape.on(), graph.csr(), rows, sources.all(), y, chosen.slots.span());
        },
        [] {});
  } else {
    row_maximum(tape.on(), graph.csr(), {}, x.value(), y, chosen.slots.span());
  }
  return tape.record(std::move(y), {x},
                     [id = x.id(), &graph, chosen = std::move(chosen)](const Backend& on, ConstTensor dy,
                                                                       Gradients& gradients) {
                       if (auto dx = gradients.slot(id)) maximum_backward(on, graph, chosen, dy, dx);
                     });
}

}  // namespace kith
