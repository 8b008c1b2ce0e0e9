#pragma once
#include <chrono>
#include <span>
#include <vector>

#include "kith/comm/communicator.h"
#include "kith/core/ledger.h"

namespace kith {

/// Which rows go where in one repeated exchange: counts per peer, fixed for the plan's life.
struct RowCounts {
  std::vector<std::int64_t> send;     ///< [P] rows to each rank
  std::vector<std::int64_t> receive;  ///< [P] rows from each rank
  std::int64_t total_send() const;
  std::int64_t total_receive() const;
};

/// What an exchange's bytes and seconds are counted as.
struct ExchangeLabel {
  const char* what = "row exchange";  ///< in errors
  /// `<counter>.bytes`, `.rows` and `.messages` count what this rank sent to other ranks, by layer and peer;
  /// `<counter>.start`, `.wait` and `.hidden` are the seconds spent starting it and waiting for it, and the
  /// seconds under way besides, by layer.
  const char* counter = "halo";
  int layer = -1;
};

/// Moves opaque rows between ranks: packed rows for rank 0, 1, … in, packed rows from rank 0, 1, … out.
/// Blocking
/// (`exchange`) or split-phase (`start`). A message per pair of ranks with rows; nothing for empty pairs.
/// Self rows are copied. Not thread-safe per communicator: a thread of its own takes a duplicated
/// communicator.
class RowExchange {
 public:
  RowExchange(Communicator& comm, Ledger& ledger) : comm_(&comm), ledger_(&ledger) {}

  /// An exchange under way. Moves only; must be waited for before its rows go.
  class InFlight {
   public:
    InFlight() = default;
    /// Something else that it is to wait for, of so many bytes that arrive.
    void also_wait_for(Pending operation, std::int64_t bytes);
    /// Drives progress; true once everything has arrived and left.
    bool progress();
    /// Throws PeerError as Communicator::wait does. Seconds waited go to the ledger as `<counter>.wait`. A
    /// second call does nothing.
    void wait();

   private:
    friend class RowExchange;
    using Clock = std::chrono::steady_clock;
    void account(Clock::time_point begin_waiting);
    Communicator* comm_ = nullptr;  // null: nothing is under way
    Ledger* ledger_ = nullptr;
    std::vector<Pending> operations_;
    ExchangeLabel label_;
    Clock::time_point begin_;
    std::int64_t received_ = 0;  ///< bytes from other ranks
  };

  /// `send` and `receive` must stay valid until `wait` returns. Collective in the sense that each pair of
  /// ranks with rows starts its exchanges in the same order.
  InFlight start(std::span<const std::byte> send, std::span<std::byte> receive, const RowCounts& counts,
                 std::int64_t row_bytes, ExchangeLabel label);
  /// Rows for one rank, or room for those from one.
  struct Leaving {
    Rank to{0};
    std::span<const std::byte> bytes;
    std::int64_t rows = 0;
  };
  struct Coming {
    Rank from{0};
    std::span<std::byte> bytes;
  };
  /// Of some ranks alone, other than this one. Messages start in the order of the lists.
  InFlight start(std::span<const Leaving> leaving, std::span<const Coming> coming, ExchangeLabel label);
  void exchange(std::span<const std::byte> send, std::span<std::byte> receive, const RowCounts& counts,
                std::int64_t row_bytes, ExchangeLabel label);

  /// The receive counts that belong to these send counts. Collective. Counted as `<counter>.count_bytes`.
  std::vector<std::int64_t> exchange_counts(const std::vector<std::int64_t>& send, ExchangeLabel label);
  Communicator& comm() { return *comm_; }
  Ledger& ledger() { return *ledger_; }

 private:
  Communicator* comm_;
  Ledger* ledger_;
};

}  // namespace kith
