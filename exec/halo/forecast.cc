// Which exchanges a step makes, and how wide they are, is the model's affair: it is asked by running it
// without computing, on two nodes with one halo node. Which rows cross is the plan's and the selection's.
#include "kith/exec/halo/forecast.h"

#include <algorithm>

#include "kith/core/rehearsal.h"
#include "kith/exec/gradients.h"
#include "kith/exec/halo/message_transfer.h"

namespace kith {
namespace {

/// What a step is rehearsed with.
struct Rehearsed {
  Model& model;
  const Parameters& parameters;
  std::int64_t features = 0;
  LayerZero layer_zero = LayerZero::fetched_once;
};

std::vector<StepExchange> exchanges_of(const Rehearsed& step, const HaloProtocol& protocol) {
  Ledger ledger;
  HaloLists lists{.owned = 2, .halo = 1};
  lists.send_rows = Array<std::int32_t>(1);
  HaloExchange exchange(std::make_unique<RehearsedRoute>(), ledger, std::move(lists), protocol);
  std::vector<StepExchange> exchanges;
  exchange.observe([&](const HaloPass& pass, std::int64_t cols) {
    // Backward they are those of the layer's forward pass, which came before.
    const auto of_layer = [&](const StepExchange& e) { return e.layer == pass.layer && e.sparse; };
    const bool sparse =
        pass.backward ? std::any_of(exchanges.begin(), exchanges.end(), of_layer) : pass.zeros.has_value();
    exchanges.push_back({.layer = pass.layer,
                         .backward = pass.backward,
                         .cols = cols,
                         .what = pass.what,
                         .heads = pass.heads,
                         .sparse = sparse,
                         .left = sparse ? exchange.share_of_sparse_rows() : 1});
  });
  Csr32 csr{Array<std::int64_t>(3), Array<std::int32_t>(2)};
  csr.indptr.back() = 2;
  const Array<StoreId> ids(3);
  const Array<std::int64_t> degrees(3);
  LayerGraph graph({.csr = csr,
                    .sources = 3,
                    .store_ids = ids,
                    .degrees = degrees,
                    .self_edges = step.model.self_edges(),
                    .halo = &exchange});
  const bool whole = step.layer_zero == LayerZero::fetched_once;
  const Matrix features(whole ? 3 : 2, step.features);
  if (whole) graph.keep_aggregates_of(features);
  Tape tape({.mode = Mode::training});
  const Var logits =
      step.model.forward(tape, LayerGraphs(graph, step.model.layers()), tape.constant(features.view()));
  ParameterGradients gradients(step.parameters);
  std::move(tape).backward(logits, Matrix(logits.rows(), logits.cols()), gradients);
  return exchanges;
}

}  // namespace

std::vector<StepExchange> exchanges_of_a_step(const StoreMeta& meta, const HaloProtocol& protocol,
                                              const ModelFactory& make, LayerZero layer_zero) {
  const Rehearsal rehearsal;
  Parameters parameters(0);
  const auto model = make(parameters, meta.features, meta.classes);
  return exchanges_of({*model, parameters, meta.features, layer_zero}, protocol);
}

std::vector<StepExchange> exchanges_of_a_step(Model& model, const Parameters& parameters,
                                              std::int64_t features, const HaloProtocol& protocol) {
  const Rehearsal rehearsal;
  const UseMemory host(nullptr);
  return exchanges_of({.model = model, .parameters = parameters, .features = features}, protocol);
}

void forecast(HaloExchange& exchange, const std::vector<StepExchange>& exchanges, std::uint32_t steps,
              Ledger& into) {
  for (std::uint32_t step = 0; step < steps; ++step)
    for (const StepExchange& each : exchanges)
      exchange.count_all({.layer = each.layer,
                          .backward = each.backward,
                          .step = step,
                          .what = each.what,
                          .heads = each.heads},
                         each.cols, into);
}

std::int64_t one_time_feature_bytes(const LocalGraph& graph, const OwnedData& owned) {
  if (graph.input_plan()) return graph.input_plan()->sent.n() * owned.feature_cols() * 4;
  const std::int64_t scale = owned.feature_dtype() == DType::i8 ? 4 : 0;
  const std::int64_t beyond = graph.recomputed() ? std::ssize(graph.recomputed()->features.send_rows) : 0;
  return (std::ssize(graph.exchange().lists().send_rows) + beyond) * (owned.feature_row_bytes() + scale);
}

}  // namespace kith
