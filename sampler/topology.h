#pragma once
#include <memory>
#include <span>

#include "kith/comm/communicator.h"
#include "kith/core/philox.h"
#include "kith/sampler/ownership.h"
#include "kith/sampler/packed_rows.h"

namespace kith {

/// How one hop draws. A draw is a position in the row's order (ascending store ids).
struct HopRequest {
  std::int64_t fanout = -1;  ///< −1: all neighbours
  bool replace = false;
  /// GCN and GAT count a node once as its own neighbour, so a stored self-loop is no candidate.
  bool exclude_self = false;
  PhiloxKey key;  ///< of (seed, Stream::sampling, hop), hop 0 is the seeds' own
  std::uint32_t step = 0;
};

/// The drawn neighbours of a frontier, row by row.
struct HopResult {
  Array<std::int64_t> indptr;  ///< [frontier + 1]
  Array<GlobalId> neighbours;
};

/// Where neighbours come from: every part mapped here (replicated), or asked of their owners (partitioned).
/// Same answers either way, for any number of ranks and threads.
class Topology {
 public:
  virtual ~Topology() = default;
  /// Rows that the caller may draw from itself, without asking; null when there are none. They live as long
  /// as the topology.
  virtual const PackedRows* packed_rows(bool /*exclude_self*/) { return nullptr; }
  virtual HopResult sample(std::span<const GlobalId> frontier, const HopRequest& request) = 0;
  /// Store ids and full-graph in-degrees (without a stored self-loop when `exclude_self`).
  virtual void describe(std::span<const GlobalId> nodes, bool exclude_self, std::span<StoreId> store_ids,
                        std::span<std::int64_t> degrees) = 0;
};

/// Whether a replicated topology copies the rows to where sampling is fastest; `automatic` does when memory
/// allows it (PackedRows::affordable).
enum class RowStorage { automatic, mapped, packed };
/// All parts' rows: sampling needs no messages. The store must outlive it.
std::unique_ptr<Topology> replicated_topology(const PartitionedStore& parts,
                                              RowStorage storage = RowStorage::automatic);
/// Only this rank's parts are read; owners sample for each other, a round of messages per hop and one for
/// `describe`. Both become collective: every rank calls them equally often, also with none. One thread at a
/// time; the communicator is its own. All arguments must outlive it. Counts topology.bytes, .rows and
/// .messages by peer.
std::unique_ptr<Topology> partitioned_topology(Communicator& comm, Ledger& ledger,
                                               const PartitionedStore& parts, const Ownership& ownership);

}  // namespace kith
