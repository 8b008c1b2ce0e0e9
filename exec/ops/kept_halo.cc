#include "kith/exec/halo/source_rows.h"
#include "kith/exec/ops.h"

namespace kith {

bool keeps_halo(const LayerGraph& graph) { return graph.halo() != nullptr && graph.halo()->keeps_values(); }

Var with_kept_halo(Tape& tape, const LayerGraph& graph, Var x) {
  if (!keeps_halo(graph) || !needs_exchange(graph, x)) return x;
  const HaloPass pass{.layer = tape.next_exchange(), .step = tape.step()};
  return Tape::of_sources(
      tape.record(SourceRows(tape.on(), graph, x.value(), pass).arrived(), {x},
                  [id = x.id(), &graph, pass](const Backend& on, ConstTensor dy, Gradients& gradients) {
                    if (auto dx = gradients.slot(id)) return_gradients(on, graph, dy, pass, dx);
                  }));
}

}  // namespace kith
