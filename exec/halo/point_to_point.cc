#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

/// One message per pair of ranks with rows.
class PointToPoint final : public HaloRoute {
 public:
  PointToPoint(RowExchange& rows, FrameCheck check)
      : rows_(&rows), frames_(rows.comm(), rows.ledger(), check) {}
  RowExchange::InFlight start(std::span<const std::byte> send, std::span<std::byte> receive,
                              const RowCounts& counts, std::int64_t row_bytes, ExchangeLabel label) override {
    return rows_->start(send, receive, counts, row_bytes, label);
  }
  FrameExchange::InFlight start_frames(std::span<const FrameExchange::Parcel> parcels,
                                       std::span<const FrameExchange::Expected> expected,
                                       ExchangeLabel label) override {
    return frames_.start(parcels, expected, label);
  }

 private:
  RowExchange* rows_;
  FrameExchange frames_;
};

}  // namespace

std::unique_ptr<HaloRoute> point_to_point(RowExchange& rows, FrameCheck check) {
  return std::make_unique<PointToPoint>(rows, check);
}

}  // namespace kith::halo
