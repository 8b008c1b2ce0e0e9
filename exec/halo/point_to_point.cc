#include "kith/exec/halo/message_transfer.h"
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

/// One message per pair of ranks with rows.
class PointToPoint final : public HaloRoute {
 public:
  PointToPoint(RowExchange& rows, FrameCheck check)
      : rows_(&rows), frames_(rows.comm(), rows.ledger(), check) {}
  std::unique_ptr<HaloTransfer> start(const Rows& rows, const Write& write) override {
    return start_messages(*rows_, *this, rows, write);
  }
  std::unique_ptr<HaloTransfer> start_frames(std::span<const FrameExchange::Parcel> parcels,
                                             std::span<const FrameExchange::Expected> expected,
                                             ExchangeLabel label) override {
    return start_frame_messages(frames_, parcels, expected, label);
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
