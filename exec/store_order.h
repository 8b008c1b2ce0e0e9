#pragma once
#include <functional>
#include <span>

#include "kith/comm/communicator.h"

namespace kith {

/// Takes the rows of the nodes from store id `first` on.
using TakeRows = std::function<void(std::int64_t first, std::span<const std::byte> rows)>;

/// Brings a row per node, wherever its owner is, to rank 0 in the order of store ids: `take` is called there
/// with consecutive pieces. `rows` holds those of this rank's nodes, row i being the node `store_ids[i]`; all
/// ranks together have each of `nodes` ids once. A rank holds at most `piece_bytes` (but one row) of it at a
/// time, and an index of its own rows. Collective.
void gather_in_store_order(Communicator& comm, std::span<const StoreId> store_ids,
                           std::span<const std::byte> rows, std::int64_t nodes, const TakeRows& take,
                           std::int64_t piece_bytes = std::int64_t{32} << 20);

}  // namespace kith
