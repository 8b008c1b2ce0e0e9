#pragma once
#include "kith/comm/staged_exchange.h"
#include "kith/exec/halo/axes.h"

namespace kith::halo {

/// How the rows of one list travel over trees of ranks.
struct MulticastPlan {
  std::vector<std::int32_t> written;  ///< own rows that anybody needs, each once: the first of the store
  std::vector<ExchangeStage> stages;
  std::int64_t store_rows = 0;         ///< own ones and all that come
  std::vector<std::int64_t> needed;    ///< places in the store of the list's halo rows
  RowCounts counts;                    ///< over all stages
  std::vector<std::int64_t> messages;  ///< to each rank
};

/// Ranks tell each other which of them need how many of their rows, and plan all trees alike: links within a
/// host are so many times faster than a host's link to others. Collective.
MulticastPlan multicast_plan(RowExchange& exchange, const HaloLists& lists, double faster);

}  // namespace kith::halo
