// Sequential aggregation (SAR, Mostafa, MLSys 2022): in round d a rank sends rank + d what it needs and
// receives from rank − d; what arrives is summed at once and dropped, so that of others' rows never more than
// two parts are alive, whatever their number. Backward a peer's gradients are computed, sent and dropped in
// the same way. A sum's gradient does not ask for the rows again, so nothing is fetched twice (the paper's
// case 1); attention's does, and fetches them a second time (case 2). Maxima are refused.
#include "kith/exec/halo/message_transfer.h"
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class Ring final : public HaloRoute {
 public:
  explicit Ring(RowExchange& rows) : rows_(&rows) {}
  bool in_rounds() const override { return true; }

  std::unique_ptr<HaloTransfer> start(const Rows& rows, const Write& write) override {
    return start_messages(*rows_, *this, rows, write);
  }

  std::unique_ptr<HaloTransfer> start_round(const Rows& rows, const Round& round,
                                            const Write& write) override {
    const RowCounts counts = this->counts(rows.lists, rows.backward);
    const std::int64_t sent = counts.send[static_cast<std::size_t>(round.to.value())],
                       coming = counts.receive[static_cast<std::size_t>(round.from.value())];
    auto transfer = std::make_unique<MessageTransfer>(*rows_, sent * rows.row_bytes, coming * rows.row_bytes);
    if (sent > 0) write(transfer->sent().data());
    std::vector<RowExchange::Leaving> out;
    std::vector<RowExchange::Coming> in;
    if (coming > 0) in.push_back({round.from, transfer->arriving()});
    if (sent > 0) out.push_back({round.to, transfer->sent(), sent});
    transfer->depart(rows_->start(out, in, rows.label));
    return transfer;
  }

 private:
  RowExchange* rows_;
};

}  // namespace

std::unique_ptr<HaloRoute> ring(RowExchange& rows) { return std::make_unique<Ring>(rows); }

}  // namespace kith::halo
