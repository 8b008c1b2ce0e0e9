// Every distinct node of another rank that an in-edge reaches crosses once. The receiver knows which (its
// halo), and tells the owners at start.
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

constexpr std::int64_t kIdBytes = sizeof(std::int64_t);

std::span<const std::byte> bytes_of(std::span<const GlobalId> ids) { return std::as_bytes(ids); }

class HaloRows final : public HaloPlanner {
 public:
  HaloLists plan(RowExchange& rows, std::span<const GlobalId> halo,
                 const std::function<Rank(GlobalId)>& owner, std::int64_t first,
                 std::int64_t owned) override {
    const auto ranks = static_cast<std::size_t>(rows.comm().size());
    HaloLists lists{.owned = owned, .halo = static_cast<std::int64_t>(halo.size())};
    lists.counts.receive.assign(ranks, 0);
    for (const GlobalId node : halo) ++lists.counts.receive[static_cast<std::size_t>(owner(node).value())];

    const ExchangeLabel label{.what = "telling owners which halo rows are needed", .counter = "setup"};
    lists.counts.send = rows.exchange_counts(lists.counts.receive, label);
    Array<GlobalId> asked(static_cast<std::size_t>(lists.counts.total_send()));
    const RowCounts ask{.send = lists.counts.receive, .receive = lists.counts.send};
    rows.exchange(bytes_of(halo), std::as_writable_bytes(asked.span()), ask, kIdBytes, label);

    lists.send_rows = Array<std::int32_t>(asked.size());
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const std::int64_t row = asked[i].value() - first;
      require(0 <= row && row < owned, "a rank asks for rows that this rank owns",
              {{"row", row}, {"owned", owned}});
      lists.send_rows[i] = static_cast<std::int32_t>(row);
    }
    return lists;
  }
};

}  // namespace

std::unique_ptr<HaloPlanner> halo_rows() { return std::make_unique<HaloRows>(); }

}  // namespace kith::halo
