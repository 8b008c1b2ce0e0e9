#pragma once
#include "kith/exec/halo/sum_plan.h"

namespace kith {

/// A x for features that never change, by a plan of sums: what its rows are needed for crosses once, as fp32,
/// and counts under layer 0. x [owned, F] → [owned, F]. Collective.
Matrix summed_input(const Backend& on, RowExchange& rows, const SumPlan& plan, ConstTensor x,
                    const SpmmScales& scales);

}  // namespace kith
