#include "kith/exec/halo/source_rows.h"
#include "kith/exec/ops.h"
#include "kith/kernels/dense.h"

namespace kith {

Var with_kept_halo(Tape& tape, const LayerGraph& graph, Var x) {
  if (graph.halo() == nullptr || !graph.halo()->keeps_values() || !needs_exchange(graph, x.rows())) return x;
  const int layer = tape.next_exchange();
  const std::uint32_t step = tape.step();
  const std::int64_t owned = graph.destinations();
  Matrix all(graph.sources(), x.cols());
  auto flight = graph.halo()->start_fetch(tape.on(), x.value(), layer, step);
  axpby(tape.on(), 1, x.value(), 0, all.view().row_range(0, owned));
  graph.halo()->finish_fetch(tape.on(), flight, all.view().row_range(owned, graph.sources()));
  return tape.record(
      std::move(all), {x},
      [id = x.id(), &graph, layer, step, owned](const Backend& on, ConstTensor dy, Gradients& gradients) {
        auto dx = gradients.slot(id);
        if (!dx) return;
        auto back = graph.halo()->start_return(on, dy.row_range(owned, graph.sources()), layer, step);
        axpby(on, 1, dy.row_range(0, owned), dx.beta, dx.tensor);
        graph.halo()->finish_return(on, back, dx.tensor);
      });
}

}  // namespace kith
