#pragma once
#include <memory>
#include <string>

#include "kith/sampler/topology.h"

namespace kith {

/// The topology a name means: "replicated", "partitioned", or "auto", which takes replicated when the graph's
/// rows fit in half of the memory this host allows, and says on rank 0 which it took and why. `comm` is for
/// the partitioned one's messages alone. Collective; every rank gets the same kind. All arguments must
/// outlive it.
std::unique_ptr<Topology> make_topology(const std::string& name, Communicator& comm, Ledger& ledger,
                                        const PartitionedStore& parts, const Ownership& ownership,
                                        RowStorage storage = RowStorage::automatic);

}  // namespace kith
