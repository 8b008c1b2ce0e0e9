#include "kith/exec/halo/halo_exchange.h"

#include "kith/core/memory_kind.h"
#include "kith/kernels/rows.h"

namespace kith {

HaloExchange::HaloExchange(RowExchange& rows, Ledger& ledger, HaloLists lists, const HaloProtocol& protocol)
    : HaloExchange(make_route(protocol.route, rows), ledger, std::move(lists), protocol) {}

HaloExchange::HaloExchange(std::unique_ptr<HaloRoute> route, Ledger& ledger, HaloLists lists,
                           const HaloProtocol& protocol)
    : ledger_(&ledger),
      lists_(std::move(lists)),
      route_(std::move(route)),
      select_(make_select(protocol.select)),
      encode_(make_encode(protocol.encode)),
      schedule_(make_schedule(protocol.schedule)) {}
HaloExchange::~HaloExchange() = default;

void HaloExchange::count_plan(std::int64_t row_bytes, int layer) {
  ledger_->add({std::string(counter_) + ".plan_bytes", layer, -1},
               static_cast<double>(lists_.plan_rows * row_bytes));
}

HaloExchange::Flight HaloExchange::start_fetch(const Backend& on, ConstTensor x, int layer,
                                               std::uint32_t step) {
  const MemoryUse use(MemoryKind::halo);
  Flight flight;
  flight.cols_ = x.cols;
  flight.selected_ = &select_->select(lists_, step);
  const HaloLists& lists = *flight.selected_;
  const std::int64_t row_bytes = encode_->row_bytes(x.cols);
  flight.sent_ = Buffer(lists.send_rows.size() * static_cast<std::size_t>(row_bytes));
  flight.arrived_ = Buffer(static_cast<std::size_t>(lists.halo * row_bytes));
  if (!lists.send_rows.empty()) encode_->encode(on, x, lists.send_rows, flight.sent_.data());
  count_plan(row_bytes, layer);
  flight.messages_ = route_->start({flight.sent_.data(), flight.sent_.bytes()},
                                   {flight.arrived_.data(), flight.arrived_.bytes()}, lists.counts, row_bytes,
                                   {.what = "halo exchange", .counter = counter_, .layer = layer});
  return flight;
}

void HaloExchange::finish_fetch(const Backend& on, Flight& flight, Tensor halo) {
  flight.messages_.wait();
  encode_->decode(on, flight.arrived_.data(), halo);
}

HaloExchange::Flight HaloExchange::start_return(const Backend& on, ConstTensor dhalo, int layer,
                                                std::uint32_t step) {
  const MemoryUse use(MemoryKind::halo);
  Flight flight;
  flight.cols_ = dhalo.cols;
  flight.selected_ = &select_->select(lists_, step);
  const HaloLists& lists = *flight.selected_;
  const std::int64_t row_bytes = encode_->row_bytes(dhalo.cols);
  flight.sent_ = Buffer(static_cast<std::size_t>(lists.halo * row_bytes));
  flight.arrived_ = Buffer(lists.send_rows.size() * static_cast<std::size_t>(row_bytes));
  if (lists.halo > 0) encode_->encode(on, dhalo, {}, flight.sent_.data());
  count_plan(row_bytes, layer);
  const RowCounts reversed{.send = lists.counts.receive, .receive = lists.counts.send};
  flight.messages_ = route_->start({flight.sent_.data(), flight.sent_.bytes()},
                                   {flight.arrived_.data(), flight.arrived_.bytes()}, reversed, row_bytes,
                                   {.what = "halo gradient exchange", .counter = counter_, .layer = layer});
  return flight;
}

void HaloExchange::finish_return(const Backend& on, Flight& flight, Tensor dx) {
  flight.messages_.wait();
  const HaloLists& lists = *flight.selected_;
  const MemoryUse use(MemoryKind::halo);
  Matrix rows(static_cast<std::int64_t>(lists.send_rows.size()), flight.cols_);
  encode_->decode(on, flight.arrived_.data(), rows);
  std::int64_t begin = 0;
  for (const std::int64_t count : lists.counts.send) {
    const auto targets =
        lists.send_rows.span().subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
    if (count > 0) add_rows(on, rows.view().row_range(begin, begin + count), targets, dx);
    begin += count;
  }
}

}  // namespace kith
