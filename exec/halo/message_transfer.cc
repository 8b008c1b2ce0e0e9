// What routes share, and what they do where they say nothing else.
#include "kith/exec/halo/message_transfer.h"

#include <algorithm>
#include <utility>

#include "kith/core/device_memory.h"

namespace kith {
namespace {

class FrameMessages final : public HaloTransfer {
 public:
  FrameMessages(FrameExchange::InFlight flight, std::size_t expected)
      : flight_(std::move(flight)), expected_(expected) {}
  bool progress() override { return flight_.progress(); }
  void wait() override { flight_.wait(); }
  std::vector<std::span<const std::byte>> arrived() const override {
    std::vector<std::span<const std::byte>> frames;
    for (std::size_t i = 0; i < expected_; ++i) frames.push_back(flight_.frame(i));
    return frames;
  }

 private:
  FrameExchange::InFlight flight_;
  std::size_t expected_;
};

/// Memory that messages would take.
class Rehearsed final : public HaloTransfer {
 public:
  Rehearsed(const HaloRoute::Rows& rows, std::int64_t leaving, std::int64_t coming)
      : needed_(static_cast<std::size_t>(rows.coming() * rows.row_bytes)),
        sent_(static_cast<std::size_t>(leaving * rows.row_bytes)),
        arriving_(static_cast<std::size_t>(std::max(coming, rows.coming()) * rows.row_bytes)) {}
  bool progress() override { return true; }
  void wait() override {}
  std::vector<std::span<const std::byte>> arrived() const override { return {{arriving_.data(), needed_}}; }

 private:
  std::size_t needed_;
  Buffer sent_, arriving_;
};

}  // namespace

MessageTransfer::MessageTransfer(RowExchange& exchange, std::int64_t sent_bytes,
                                 std::int64_t arriving_bytes) {
  const UseMemory wire(exchange.comm().device_memory());
  sent_ = Buffer(static_cast<std::size_t>(sent_bytes));
  arriving_ = Buffer(static_cast<std::size_t>(arriving_bytes));
}

std::unique_ptr<HaloTransfer> start_messages(RowExchange& exchange, HaloRoute& route,
                                             const HaloRoute::Rows& rows, const HaloRoute::Write& write) {
  auto transfer = std::make_unique<MessageTransfer>(exchange, rows.leaving() * rows.row_bytes,
                                                    rows.coming() * rows.row_bytes);
  if (!transfer->sent().empty()) write(transfer->sent().data());
  transfer->depart(exchange.start(transfer->sent(), transfer->arriving(),
                                  route.counts(rows.lists, rows.backward), rows.row_bytes, rows.label));
  return transfer;
}

std::unique_ptr<HaloTransfer> start_frame_messages(FrameExchange& exchange,
                                                   std::span<const FrameExchange::Parcel> parcels,
                                                   std::span<const FrameExchange::Expected> expected,
                                                   ExchangeLabel label) {
  return std::make_unique<FrameMessages>(exchange.start(parcels, expected, label), expected.size());
}

std::unique_ptr<HaloTransfer> RehearsedRoute::start(const Rows& rows, const Write&) {
  if (everybody_.heard == 0) return std::make_unique<Rehearsed>(rows, rows.leaving(), rows.coming());
  const auto& [heard, copies, returned] = everybody_;
  return rows.backward ? std::make_unique<Rehearsed>(rows, heard, returned * rows.lists.owned)
                       : std::make_unique<Rehearsed>(rows, copies * rows.lists.owned, heard);
}

std::unique_ptr<HaloTransfer> HaloRoute::start_frames(std::span<const FrameExchange::Parcel>,
                                                      std::span<const FrameExchange::Expected>,
                                                      ExchangeLabel) {
  throw InputError(
      "this route moves rows of one length only: use route point-to-point, or another encode or select");
}

std::unique_ptr<HaloTransfer> HaloRoute::start_round(const Rows&, const Round&, const Write&) {
  throw Error("this route knows no rounds", ExitCode::other);
}

std::vector<std::int64_t> HaloRoute::messages(const HaloLists& lists, bool backward) {
  std::vector<std::int64_t> messages = counts(lists, backward).send;
  for (std::int64_t& rows : messages) rows = rows > 0 ? 1 : 0;
  return messages;
}

RowCounts HaloRoute::counts(const HaloLists& lists, bool backward) {
  return backward ? RowCounts{.send = lists.counts.receive, .receive = lists.counts.send} : lists.counts;
}

}  // namespace kith
