#pragma once
#include <memory>

#include "kith/comm/communicator.h"
#include "kith/comm/link_model.h"

namespace kith {

/// A communicator of the same ranks over which messages take as long as they would on the network `net`: a
/// message that leaves when the sender's link is free arrives when the receiver's link has passed it. What
/// arrives, and in which order of a pair and tag, is what the other communicator brings; sums of many ranks
/// go by messages, never by shared memory. So a cluster's network is had on one machine, stragglers included.
/// Collective. Throws InputError where ranks are on several hosts: those have a network, and no common clock.
std::unique_ptr<Communicator> delayed_communicator(Communicator& comm, const NetModel& net);

}  // namespace kith
