// The maximum over in-neighbours. Arrivals change nothing of what is chosen: a row is computed once, when all
// its sources are in place, in the order of its entries.
#include "kith/exec/halo/column_ops.h"
#include "kith/exec/halo/partial_maxima.h"
#include "kith/exec/ops.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/max.h"

namespace kith {
namespace {

/// What the backward pass needs.
struct Chosen {
  Array<std::int32_t> slots;  ///< [destinations, d]
  bool exchanged = false;
  HaloPass pass;
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
  return_gradients(on, graph, all, chosen.pass, dx);
}

/// With a plan by which owners make partial maxima, or ranks share out columns.
template <class Maxima>
Var maximum_by(Tape& tape, const LayerGraph& graph, const Var& x, const HaloPass& pass) {
  Maxima maxima(graph, pass);
  Matrix y = maxima.forward(tape.on(), x.value());
  return Tape::of_destinations(tape.record(
      std::move(y), {x},
      [id = x.id(), maxima = std::move(maxima)](const Backend& on, ConstTensor dy, Gradients& gradients) {
        if (auto dx = gradients.slot(id)) maxima.backward(on, dy, dx);
      }));
}

}  // namespace

Var neighbour_maximum(Tape& tape, const LayerGraph& graph, const Var& x) {
  const bool exchanged = needs_exchange(graph, x);
  HaloPass pass{.step = tape.step(), .what = Crossing::maxima};
  if (exchanged) pass.layer = tape.next_exchange();
  if (exchanged && graph.halo()->partials(pass.layer) != nullptr)
    return maximum_by<PartialMaxima>(tape, graph, x, pass);
  if (exchanged && graph.halo()->columns() != nullptr) return maximum_by<ColumnMaximum>(tape, graph, x, pass);
  Chosen chosen{.slots = Array<std::int32_t>(static_cast<std::size_t>(graph.destinations() * x.cols())),
                .exchanged = exchanged,
                .pass = pass};
  Matrix y(graph.destinations(), x.cols());
  if (exchanged) {
    SourceRows sources(tape.on(), graph, x.value(), pass);
    sources.cover(
        [&](std::span<const std::int32_t> rows) {
          row_maximum(tape.on(), graph.csr(), rows, sources.all(), y, chosen.slots.span());
        },
        [] {});
  } else {
    row_maximum(tape.on(), graph.csr(), {}, x.value(), y, chosen.slots.span());
  }
  return Tape::of_destinations(tape.record(std::move(y), {x},
                                           [id = x.id(), &graph, chosen = std::move(chosen)](
                                               const Backend& on, ConstTensor dy, Gradients& gradients) {
                                             if (auto dx = gradients.slot(id))
                                               maximum_backward(on, graph, chosen, dy, dx);
                                           }));
}

}  // namespace kith
