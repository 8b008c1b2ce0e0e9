#pragma once
#include <utility>
#include <vector>

#include "kith/comm/shared_exchange.h"
#include "kith/exec/halo/axes.h"

namespace kith::halo {

/// How the rows of one list cross so that between two hosts none crosses twice.
struct HostPlan {
  /// Rows that leave for one rank: of this host, or of another one whose rows they are or whose gateway it
  /// is.
  struct Leaving {
    Rank to{0};
    std::int64_t begin = 0, rows = 0;  ///< of those that are written
  };
  /// Rows that come from one rank.
  struct Coming {
    Rank sender{0};
    std::int64_t needed = 0;                             ///< by this rank
    Rank gateway{0};                                     ///< who has them for this rank; itself: by message
    std::int64_t rows = 0;                               ///< that the gateway gets
    std::vector<std::int64_t> places;                    ///< of the needed ones among these; empty: the same
    std::vector<std::pair<Rank, std::int64_t>> readers;  ///< of the gateway: others, how many each needs
  };

  std::vector<std::int32_t> written;  ///< the rows of the sender's matrix, in the order of `leaving`
  std::vector<Leaving> leaving;
  std::vector<Coming> coming;  ///< by sender
};

/// A sender says which rank of a host is the gateway for rows that several of its ranks need, and where
/// everybody's lie. Pairs of ranks with rows exchange it.
HostPlan host_plan(RowExchange& exchange, const SharedExchange& shared, const HaloLists& lists);

}  // namespace kith::halo
