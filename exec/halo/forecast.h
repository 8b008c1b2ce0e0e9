#pragma once
#include <vector>

#include "kith/exec/halo/halo_exchange.h"
#include "kith/exec/local_graph.h"
#include "kith/exec/model.h"
#include "kith/exec/train_options.h"

namespace kith {

/// Whether the features of the halo are there from the start, or cross in every step.
enum class LayerZero { fetched_once, exchanged };

/// The exchanges of a full-graph training step in their order, from a rehearsal of the model's own passes.
/// With an exchanged layer 0 its number is 1.
std::vector<StepExchange> exchanges_of_a_step(const StoreMeta& meta, const HaloProtocol& protocol,
                                              const ModelFactory& make,
                                              LayerZero layer_zero = LayerZero::fetched_once);
/// Those of a model that exists, whose input has so many columns. Its parameters stay as they are.
std::vector<StepExchange> exchanges_of_a_step(Model& model, const Parameters& parameters,
                                              std::int64_t features, const HaloProtocol& protocol);

/// What this rank will send in the steps [0, steps), from its lists alone, as HaloExchange::count counts it.
/// Not for protocols whose data decide.
void forecast(HaloExchange& exchange, const std::vector<StepExchange>& exchanges, std::uint32_t steps,
              Ledger& into);

/// Bytes that every rank needs to know before the first step: features of the halo, as stored, or their sums.
std::int64_t one_time_feature_bytes(const LocalGraph& graph, const OwnedData& owned);

}  // namespace kith
