#include "kith/sampler/topology_choice.h"

#include <fmt/format.h>

#include "kith/core/host.h"
#include "kith/core/log.h"
#include "kith/core/progress.h"

namespace kith {
namespace {

/// What mapping every part's rows costs: the host's ranks share the pages.
std::int64_t topology_bytes(const PartitionedStore& parts) {
  const StoreMeta& store = parts.meta().store;
  const std::int64_t index_bytes = parts.part(Part{0}).indices.is_32_bit() ? 4 : 8;
  return store.edges * index_bytes + store.nodes * static_cast<std::int64_t>(2 * sizeof(std::int64_t));
}

bool replicates(Communicator& comm, const PartitionedStore& parts) {
  const std::int64_t bytes = topology_bytes(parts);
  // Hosts may differ: one that cannot hold all rows decides for all ranks.
  const std::int64_t short_of = all_reduce_max(comm, bytes - memory_limit_bytes() / 2, "choose the topology");
  const bool fits = short_of <= 0;
  log::info(fmt::format("topology auto: {}, the graph's rows take {} and {} half of every host's memory",
                        fits ? "replicated" : "partitioned", human_bytes(static_cast<double>(bytes)),
                        fits ? "fit in" : "do not fit in"));
  return fits;
}

}  // namespace

std::unique_ptr<Topology> make_topology(const std::string& name, Communicator& comm, Ledger& ledger,
                                        const PartitionedStore& parts, const Ownership& ownership,
                                        RowStorage storage) {
  const bool replicated = name == "replicated" || (name == "auto" && replicates(comm, parts));
  if (replicated) return replicated_topology(parts, storage);
  require(name == "partitioned" || name == "auto", "the topology is replicated, partitioned or auto",
          {{"topology", std::string_view(name)}});
  return partitioned_topology(comm, ledger, parts, ownership);
}

}  // namespace kith
