#pragma once
#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kith/comm/row_exchange.h"
#include "kith/core/buffer.h"

namespace kith {

/// Whether a frame travels with a checksum of its bytes, which the receiver compares.
enum class FrameCheck { none, checksum };

/// Moves one opaque frame of any length between each pair of ranks that have one for each other. Its length
/// goes ahead of it, with its checksum where one is asked for: 8 or 16 bytes, a message of its own.
class FrameExchange {
 public:
  FrameExchange(Communicator& comm, Ledger& ledger, FrameCheck check = FrameCheck::none);
  ~FrameExchange();

  /// What goes ahead of every frame.
  static constexpr std::int64_t preamble_bytes(FrameCheck check) {
    return check == FrameCheck::checksum ? 16 : 8;
  }

  /// A frame for, or from, one rank.
  struct Parcel {
    Rank peer{0};
    std::span<const std::byte> bytes;
  };
  /// What a rank may send at most: no memory is taken for more.
  struct Expected {
    Rank peer{0};
    std::int64_t most_bytes = 0;
  };

  /// An exchange under way. Must be waited for before the frames that it sends go.
  class InFlight {
   public:
    InFlight() = default;
    /// Something else that it is to wait for.
    void also_wait_for(Pending operation) { operations_.push_back(std::move(operation)); }
    bool progress();
    /// Throws PeerError as Communicator::wait does, and CorruptError when a frame is longer than expected or
    /// its checksum differs.
    void wait();
    /// The frames that arrived, in the order of `expected`, once waited for.
    std::span<const std::byte> frame(std::size_t i) const;

   private:
    friend class FrameExchange;
    void account(std::chrono::steady_clock::time_point begin_waiting);
    struct Arrival;
    Communicator* comm_ = nullptr;  // null: nothing is under way
    Ledger* ledger_ = nullptr;
    std::vector<Pending> operations_;
    std::vector<std::shared_ptr<Arrival>> arrivals_;
    std::vector<std::shared_ptr<std::array<std::uint64_t, 2>>> preambles_;
    ExchangeLabel label_;
    std::chrono::steady_clock::time_point begin_;
  };

  /// Pairs start theirs in the same order. The bytes must stay valid until `wait` returns.
  InFlight start(std::span<const Parcel> parcels, std::span<const Expected> expected, ExchangeLabel label);

 private:
  class Receive;
  struct Order;
  Communicator* comm_;
  Ledger* ledger_;
  FrameCheck check_;
  std::vector<std::shared_ptr<Order>> orders_;  // by peer
};

}  // namespace kith
