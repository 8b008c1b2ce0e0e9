#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

/// One message per pair of ranks with rows.
class PointToPoint final : public HaloRoute {
 public:
  explicit PointToPoint(RowExchange& rows) : rows_(&rows) {}
  RowExchange::InFlight start(std::span<const std::byte> send, std::span<std::byte> receive,
                              const RowCounts& counts, std::int64_t row_bytes, ExchangeLabel label) override {
    return rows_->start(send, receive, counts, row_bytes, label);
  }

 private:
  RowExchange* rows_;
};

}  // namespace

std::unique_ptr<HaloRoute> point_to_point(RowExchange& rows) { return std::make_unique<PointToPoint>(rows); }

}  // namespace kith::halo
