#include "kith/exec/halo/source_rows.h"
#include "kith/exec/ops.h"

namespace kith {

bool keeps_halo(const LayerGraph& graph) { return graph.halo() != nullptr && graph.halo()->keeps_values(); }

Var with_kept_halo(Tape& tape, const LayerGraph& graph, Var x) {
  if (!keeps_halo(graph) || !needs_exchange(graph, x.rows())) return x;
  const int layer = tape.next_exchange();
  const std::uint32_t step = tape.step();
  return tape.record(
      SourceRows(tape.on(), graph, x.value(), layer, step).arrived(), {x},
      [id = x.id(), &graph, layer, step](const Backend& on, ConstTensor dy, Gradients& gradients) {
        if (auto dx = gradients.slot(id)) return_gradients(on, graph, dy, layer, step, dx);
      });
}

}  // namespace kith
