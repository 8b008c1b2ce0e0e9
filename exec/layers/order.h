#pragma once
#include "kith/exec/layer_graph.h"
#include "kith/exec/tape.h"

namespace kith {

/// Whether a sum over neighbours that never changes is worth keeping at the width of the input.
bool keeps_sum(std::int64_t in, std::int64_t out);

/// Of the two orders of a linear aggregation A and a product with W [out, in], whether (A x) Wᵀ costs less
/// than A (x Wᵀ), forward and backward together. The same on every rank where ranks exchange rows.
bool aggregates_first(const Tape& tape, const LayerGraph& graph, const Var& x, std::int64_t out);

}  // namespace kith
