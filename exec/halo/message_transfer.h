#pragma once
#include "kith/core/buffer.h"
#include "kith/exec/halo/axes.h"

namespace kith {

/// Rows that messages bring: what routes by messages have in common.
class MessageTransfer final : public HaloTransfer {
 public:
  /// Takes memory where the communicator wants it.
  MessageTransfer(RowExchange& exchange, std::int64_t sent_bytes, std::int64_t arriving_bytes);
  std::span<std::byte> sent() const { return {sent_.data(), sent_.bytes()}; }
  std::span<std::byte> arriving() const { return {arriving_.data(), arriving_.bytes()}; }
  /// From now on it waits for this.
  void depart(RowExchange::InFlight flight) { flight_ = std::move(flight); }

  bool progress() override { return flight_.progress(); }
  void wait() override { flight_.wait(); }
  std::vector<std::span<const std::byte>> arrived() const override { return {arriving()}; }

 private:
  Buffer sent_, arriving_;
  RowExchange::InFlight flight_;
};

/// A message for each pair of ranks with rows.
std::unique_ptr<HaloTransfer> start_messages(RowExchange& exchange, HaloRoute& route,
                                             const HaloRoute::Rows& rows, const HaloRoute::Write& write);
/// A frame for each pair of ranks with rows.
std::unique_ptr<HaloTransfer> start_frame_messages(FrameExchange& exchange,
                                                   std::span<const FrameExchange::Parcel> parcels,
                                                   std::span<const FrameExchange::Expected> expected,
                                                   ExchangeLabel label);

/// For a rehearsal: takes the memory that messages would, and sends nothing.
class RehearsedRoute final : public HaloRoute {
 public:
  /// Where a rank gets other rows than those of its halo.
  struct Everybody {
    std::int64_t heard = 0;     ///< rows of other ranks; 0: those of the halo
    std::int64_t copies = 0;    ///< of every own row for the wire
    std::int64_t returned = 0;  ///< gradients of each that come back
  };
  RehearsedRoute() = default;
  explicit RehearsedRoute(const Everybody& everybody) : everybody_(everybody) {}
  std::unique_ptr<HaloTransfer> start(const Rows& rows, const Write& write) override;

 private:
  Everybody everybody_;
};

}  // namespace kith
