#pragma once
#include <memory>

#include "kith/exec/halo/axes.h"

namespace kith {

/// One rank's end of a halo protocol: brings the halo rows of an owned matrix, and takes their gradients
/// back. The first is linear, the second is its adjoint, so together they are a differentiable op.
class HaloExchange {
 public:
  /// `lists` from the protocol's planner. The row exchange and the ledger must outlive it.
  HaloExchange(RowExchange& rows, Ledger& ledger, HaloLists lists, const HaloProtocol& protocol);
  /// The same over a route of its own.
  HaloExchange(std::unique_ptr<HaloRoute> route, Ledger& ledger, HaloLists lists,
               const HaloProtocol& protocol);
  ~HaloExchange();

  const HaloLists& lists() const { return lists_; }
  bool overlaps() const { return schedule_->overlaps(); }
  /// Nothing crosses in either direction.
  bool idle() const { return lists_.halo == 0 && lists_.send_rows.empty(); }

  /// The ledger's name for what crosses from now on: `<counter>.bytes`, ….
  void count_as(const char* counter) { counter_ = counter; }

  /// An exchange under way. `progress` between pieces of work keeps it moving.
  class Flight {
   public:
    bool progress() { return messages_.progress(); }

   private:
    friend class HaloExchange;
    Buffer sent_, arrived_;
    std::int64_t cols_ = 0;
    const HaloLists* selected_ = nullptr;
    RowExchange::InFlight messages_;
  };

  /// Sends the rows of x [owned, d] that others need.
  Flight start_fetch(const Backend& on, ConstTensor x, int layer, std::uint32_t step);
  /// Waits; halo [halo, d] gets the arrived rows.
  void finish_fetch(const Backend& on, Flight& flight, Tensor halo);

  /// Sends the gradients dhalo [halo, d] to the rows' owners.
  Flight start_return(const Backend& on, ConstTensor dhalo, int layer, std::uint32_t step);
  void wait(Flight& flight) { flight.messages_.wait(); }
  /// Waits; adds the arrived gradients to dx [owned, d], rank by rank in ascending order.
  void finish_return(const Backend& on, Flight& flight, Tensor dx);

 private:
  void count_plan(std::int64_t row_bytes, int layer);

  Ledger* ledger_;
  const char* counter_ = "halo";
  HaloLists lists_;
  std::unique_ptr<HaloRoute> route_;
  std::unique_ptr<HaloSelect> select_;
  std::unique_ptr<HaloEncode> encode_;
  std::unique_ptr<HaloSchedule> schedule_;
};

}  // namespace kith
