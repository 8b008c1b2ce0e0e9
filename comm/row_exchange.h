#pragma once
#include <span>
#include <vector>

#include "kith/comm/communicator.h"
#include "kith/core/array.h"

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
  const char* counter = "halo";       ///< `<counter>.bytes`, `<counter>.rows`, `<counter>.messages`, by layer and peer
  int layer = -1;
};

/// Moves opaque rows between ranks: packed rows for rank 0, 1, … in, packed rows from rank 0, 1, … out. Blocking
/// (`exchange_rows`) or split-phase. A message per pair of ranks with rows; nothing for empty pairs. Self rows are copied.
/// Not thread-safe per communicator: a thread of its own takes a duplicated communicator.
class RowExchange {
 public:
  RowExchange(Communicator& comm, Ledger& ledger) : comm_(&comm), ledger_(&ledger) {}

  class InFlight {
   public:
    InFlight() = default;
    /// Drives progress; true once everything has arrived and left.
    bool progress();
    /// Throws PeerError as Communicator::wait does. Seconds waited go to the ledger as `<counter>.wait`.
    void wait();

   private:
    friend class RowExchange;
    RowExchange* owner_ = nullptr;
    std::vector<Pending> operations_;
    ExchangeLabel label_;
  };

  /// `send` and `receive` must stay valid until `wait` returns. Collective in the sense that the peers with rows
  /// start the matching exchange, in the same order.
  InFlight start(std::span<const std::byte> send, std::span<std::byte> receive, const RowCounts& counts,
                 std::int64_t row_bytes, ExchangeLabel label);
  void exchange(std::span<const std::byte> send, std::span<std::byte> receive, const RowCounts& counts,
                std::int64_t row_bytes, ExchangeLabel label);

  /// The receive counts that belong to these send counts. Collective.
  std::vector<std::int64_t> exchange_counts(const std::vector<std::int64_t>& send, ExchangeLabel label);
  Communicator& comm() { return *comm_; }

 private:
  Communicator* comm_;
  Ledger* ledger_;
  int next_tag_ = 0;
};

}  // namespace kith
