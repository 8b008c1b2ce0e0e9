#pragma once
#include "kith/comm/communicator.h"
#include "kith/exec/net_model.h"

namespace kith {

/// The link between rank 0 and the last rank: a fit to the median times of messages of a few sizes, the same
/// figures on every rank. Takes some milliseconds. Needs two ranks. Collective.
NetModel measured_net(Communicator& comm);

}  // namespace kith
