// DGCL's communication (Cai et al., EuroSys 2021): a row reaches the ranks that need it over a tree of them,
// in stages, so that no link is much busier than the others. Backward every rank returns its gradients to the
// owner itself: ranks on the way that added them would round sums once more.
#include <map>
#include <string>
#include <utility>

#include "kith/core/buffer.h"
#include "kith/core/device_memory.h"
#include "kith/exec/halo/message_transfer.h"
#include "kith/exec/halo/multicast_plan.h"
#include "kith/exec/halo/values.h"
#include "kith/kernels/rows.h"

namespace kith::halo {
namespace {

constexpr double kFaster = 10;

class TreeRows final : public HaloTransfer {
 public:
  TreeRows(const MulticastPlan& plan, std::int64_t row_bytes) : plan_(plan), row_bytes_(row_bytes) {
    const UseMemory host(nullptr);
    store_ = Buffer(static_cast<std::size_t>(plan.store_rows * row_bytes));
  }
  std::span<std::byte> store() const { return {store_.data(), store_.bytes()}; }
  void depart(RowExchange::InFlight flight, Pending stages, std::int64_t bytes) {
    flight_ = std::move(flight);
    flight_.also_wait_for(std::move(stages), bytes);
  }
  bool progress() override { return flight_.progress(); }
  void wait() override {
    flight_.wait();
    if (std::exchange(picked_, true)) return;
    needed_ = Buffer(plan_.needed.size() * static_cast<std::size_t>(row_bytes_));
    if (needed_.bytes() > 0) gather_bytes(Cpu{}, store_.data(), row_bytes_, plan_.needed, needed_.data());
    store_ = Buffer();
  }
  std::vector<std::span<const std::byte>> arrived() const override {
    return {{needed_.data(), needed_.bytes()}};
  }

 private:
  const MulticastPlan& plan_;
  std::int64_t row_bytes_;
  Buffer store_, needed_;
  bool picked_ = false;
  RowExchange::InFlight flight_;  ///< goes before the store
};

class Multicast final : public HaloRoute {
 public:
  Multicast(RowExchange& rows, double faster) : rows_(&rows), faster_(faster) {}
  bool collective() const override { return rows_->comm().size() > 1; }
  std::span<const std::int32_t> written(const HaloLists& lists) override { return plan(lists).written; }
  void forget() override { plans_.clear(); }

  RowCounts counts(const HaloLists& lists, bool backward) override {
    return backward ? HaloRoute::counts(lists, true) : plan(lists).counts;
  }
  std::vector<std::int64_t> messages(const HaloLists& lists, bool backward) override {
    return backward ? HaloRoute::messages(lists, true) : plan(lists).messages;
  }

  std::unique_ptr<HaloTransfer> start(const Rows& rows, const Write& write) override {
    if (rows.backward) return start_messages(*rows_, *this, rows, write);
    const MulticastPlan& plan = this->plan(rows.lists);
    auto transfer = std::make_unique<TreeRows>(plan, rows.row_bytes);
    if (!plan.written.empty()) write(transfer->store().data());
    Pending stages =
        start_stages(rows_->comm(), plan.stages, transfer->store(), rows.row_bytes, rows.label.what);
    transfer->depart(rows_->start(std::span<const RowExchange::Leaving>(), {}, rows.label), std::move(stages),
                     plan.counts.total_receive() * rows.row_bytes);
    count(plan, rows);
    return transfer;
  }

 private:
  const MulticastPlan& plan(const HaloLists& lists) {
    const auto found = plans_.find(&lists);
    if (found != plans_.end()) return found->second;
    return plans_.emplace(&lists, multicast_plan(*rows_, lists, faster_)).first->second;
  }

  void count(const MulticastPlan& plan, const Rows& rows) {
    for (std::size_t peer = 0; peer < plan.messages.size(); ++peer) {
      const auto add = [&](const char* what, std::int64_t amount) {
        rows_->ledger().add(
            {std::string(rows.label.counter) + what, rows.label.layer, static_cast<int>(peer)},
            static_cast<double>(amount));
      };
      if (plan.messages[peer] == 0) continue;
      add(".bytes", plan.counts.send[peer] * rows.row_bytes);
      add(".rows", plan.counts.send[peer]);
      add(".messages", plan.messages[peer]);
    }
  }

  RowExchange* rows_;
  double faster_;
  std::map<const HaloLists*, MulticastPlan> plans_;
};

}  // namespace

std::unique_ptr<HaloRoute> multicast(RowExchange& rows, double faster) {
  return std::make_unique<Multicast>(rows, faster > 0 ? faster : kFaster);
}

}  // namespace kith::halo
