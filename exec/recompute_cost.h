#pragma once
#include "kith/comm/communicator.h"
#include "kith/datasets/store.h"
#include "kith/exec/halo/axes.h"
#include "kith/exec/model.h"
#include "kith/exec/net_model.h"

namespace kith {

/// What decides whether a row behind the first layer is computed again or sent: seconds a step, forward and
/// backward.
struct RecomputeCosts {
  double edge = 0;  ///< of an in-edge of the row
  double row = 0;   ///< of the row's product
  double sent = 0;  ///< of its bytes both ways
};
/// Measured on this host for a first layer that makes rows of `width` from `features` columns, and for rows
/// of so many bytes on a network. Takes some milliseconds.
RecomputeCosts recompute_costs(std::int64_t features, std::int64_t width, double row_bytes,
                               const NetModel& net);
/// The most in-edges at which computing costs less than sending; 0: at none.
std::int64_t most_edges_worth(const RecomputeCosts& costs);

/// `plan recompute` with the bound that this host and network make worth it, or needed-rows where none is.
/// The same on every rank. Collective.
std::string recompute_plan(Communicator& comm, const StoreMeta& meta, const HaloProtocol& protocol,
                           const ModelFactory& make, const NetModel& net);

}  // namespace kith
