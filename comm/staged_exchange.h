#pragma once
#include <span>
#include <vector>

#include "kith/comm/communicator.h"

namespace kith {

/// What one rank does in a stage of an exchange whose rows travel over other ranks: places are rows of a
/// store, which has this rank's own and all that come.
struct ExchangeStage {
  struct Leaving {
    Rank to{0};
    std::vector<std::int64_t> rows;
  };
  struct Coming {
    Rank from{0};
    std::int64_t first = 0, rows = 0;
  };
  std::vector<Leaving> leaving;
  std::vector<Coming> coming;
};

/// Rows of `row_bytes` in `store`; a rank begins a stage when it is done with the one before. Collective:
/// every rank starts it, in the same order with other collectives. Stages and store must outlive it.
Pending start_stages(Communicator& comm, std::span<const ExchangeStage> stages, std::span<std::byte> store,
                     std::int64_t row_bytes, const char* what);

}  // namespace kith
