#include "kith/exec/halo/source_rows.h"

#include "kith/kernels/dense.h"

namespace kith {

SourceRows::SourceRows(const Backend& on, const LayerGraph& graph, ConstTensor x, const HaloPass& pass)
    : SourceRows(on, graph, x, graph.halo()->start_fetch(on, x, pass)) {}

SourceRows::SourceRows(const Backend& on, const LayerGraph& graph, ConstTensor x, HaloExchange::Flight flight)
    : on_(on), graph_(&graph), all_(graph.sources(), x.cols), flight_(std::move(flight)) {
  axpby(on, 1, x, 0, all_.view().row_range(0, graph.destinations()));
}

void return_gradients(const Backend& on, const LayerGraph& graph, ConstTensor all, const HaloPass& pass,
                      GradientSlot dx) {
  const std::int64_t owned = graph.destinations();
  auto flight = graph.halo()->start_return(on, all.row_range(owned, graph.sources()), pass);
  axpby(on, 1, all.row_range(0, owned), dx.beta, dx.tensor);
  graph.halo()->finish_return(on, flight, dx.tensor);
}

bool needs_exchange(const LayerGraph& graph, const Var& x) {
  // A rank without halo rows must still take part: others may need its rows.
  const bool destinations =
      x.rows() == graph.destinations() && (graph.sources() != graph.destinations() || x.of_destinations());
  const bool exchanges = graph.halo() != nullptr && destinations && !graph.halo()->idle();
  require(exchanges || x.rows() == graph.sources(),
          "x holds a row for every source, or for every destination",
          {{"x.rows", x.rows()}, {"sources", graph.sources()}, {"destinations", graph.destinations()}});
  return exchanges;
}

}  // namespace kith
