#include "kith/exec/halo/halo_exchange.h"

#include <algorithm>
#include <exception>

#include "kith/core/memory_kind.h"
#include "kith/core/parallel.h"
#include "kith/core/rehearsal.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/rows.h"

namespace kith {
namespace {

/// to[places[i]] = from[i].
void put_rows(ConstTensor from, std::span<const std::int32_t> places, Tensor to) {
  if (rehearsing()) return;
  parallel_for(0, from.rows, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) std::copy_n(from.row(i), from.cols, to.row(places[i]));
  });
}

void copy(const Backend& on, ConstTensor from, Tensor to) { axpby(on, 1, from, 0, to); }

}  // namespace

HaloExchange::HaloExchange(RowExchange& rows, Ledger& ledger, HaloLists lists, const HaloProtocol& protocol)
    : HaloExchange(make_route(protocol.route, rows), ledger, std::move(lists), protocol) {
  nodes_.self = rows.comm().rank();
}

HaloExchange::HaloExchange(std::unique_ptr<HaloRoute> route, Ledger& ledger, HaloLists lists,
                           const HaloProtocol& protocol)
    : ledger_(&ledger),
      lists_(std::move(lists)),
      nodes_{.seed = protocol.seed},
      route_(std::move(route)),
      select_(make_select(protocol.select)),
      encode_(make_encode(protocol.encode)),
      exact_encode_(make_encode("fp32")),
      schedule_(make_schedule(protocol.schedule)) {}

// What the last step sent nobody looks at; but it must have left and arrived before its memory goes. After a
// failure nobody is waited for: the messages withdraw themselves.
HaloExchange::~HaloExchange() {
  if (std::uncaught_exceptions() > 0) return;
  try {
    for (auto& [channel, kept] : kept_) kept.under_way.messages_.wait();
  } catch (const Error&) {
    return;
  }
}

void HaloExchange::evaluate_exactly(bool exact) {
  exact_ = exact;
  counter_ = exact ? "evaluation" : "halo";
}

void HaloExchange::plan_sums(std::vector<SumPlan> plans) {
  sums_ = std::move(plans);
  for (SumPlan& plan : sums_)
    plan.graph = std::make_unique<LayerGraph>(
        LayerGraph::Arrays{.csr = plan.csr, .sources = plan.csr.n() + plan.lists.halo, .halo = this});
}

const SumPlan* HaloExchange::sums(int exchange) const {
  if (exact_ || sums_.empty()) return nullptr;
  const auto place = narrowed_.empty() ? std::size_t{0} : static_cast<std::size_t>(exchange - 1);
  return place < sums_.size() ? &sums_[place] : nullptr;
}

const HaloLists& HaloExchange::planned(const HaloPass& pass) const {
  if (const SumPlan* plan = plan_of(pass)) return plan->lists;
  const auto exchange = static_cast<std::size_t>(pass.layer - 1);
  return exact_ || exchange >= narrowed_.size() ? lists_ : narrowed_[exchange];
}

HaloNodes HaloExchange::nodes(const HaloPass& pass) const {
  HaloNodes nodes = nodes_;
  if (const SumPlan* plan = plan_of(pass)) nodes.ids = plan->ids.span();
  return nodes;
}

// A rehearsal knows no nodes; all rows are the most that may cross.
const HaloLists& HaloExchange::selected(const HaloPass& pass) {
  return exact_ || rehearsing() ? lists_ : select_->select(planned(pass), nodes(pass), pass);
}

void HaloExchange::count(const HaloPass& pass, std::int64_t cols, Ledger& into) {
  const RowCounts &all = planned(pass).counts, &some = selected(pass).counts;
  const auto &planned_rows = pass.backward ? all.receive : all.send,
             &rows = pass.backward ? some.receive : some.send;
  const std::int64_t header = encode().header_bytes(cols), payload = encode().row_bytes(cols) - header;
  const std::string prefix = std::string(counter_) + (pass.backward ? ".backward." : ".forward.");
  for (std::size_t peer = 0; peer < rows.size(); ++peer) {
    const auto add = [&](const char* what, std::int64_t amount) {
      if (amount > 0)
        into.add({prefix + what, pass.layer, static_cast<int>(peer)}, static_cast<double>(amount));
    };
    add("rows", rows[peer]);
    add("skipped_rows", planned_rows[peer] - rows[peer]);
    add("payload_bytes", rows[peer] * payload);
    add("header_bytes", rows[peer] * header);
    add("messages", rows[peer] > 0 ? 1 : 0);
  }
}

HaloExchange::Flight HaloExchange::start(const Backend& on, ConstTensor x, const HaloPass& pass) {
  if (observer_) observer_(pass, x.cols);
  const MemoryUse use(MemoryKind::halo);
  Flight flight;
  flight.pass_ = pass;
  flight.cols_ = x.cols;
  flight.lists_ = &selected(pass);
  count(pass, x.cols, *ledger_);
  const HaloLists& lists = *flight.lists_;
  const std::int64_t row_bytes = encode().row_bytes(x.cols);
  const auto owned = static_cast<std::size_t>(lists.owned);
  const auto sends = std::ssize(lists.send_rows);
  flight.sent_ = Buffer(static_cast<std::size_t>((pass.backward ? lists.halo : sends) * row_bytes));
  flight.arrived_ = Buffer(static_cast<std::size_t>((pass.backward ? sends : lists.halo) * row_bytes));
  // Ranks that return gradients of one node round them independently.
  const auto channel = static_cast<std::uint64_t>(2 * pass.layer + (pass.backward ? 1 : 0));
  const auto sender = static_cast<std::uint64_t>(pass.backward ? nodes_.self.value() + 1 : 0);
  const RoundingDraws draws{philox_key(nodes_.seed, Stream::rounding, sender << 32 | channel), pass.step};
  const std::span<const StoreId> ids = nodes(pass).ids;
  if (flight.sent_.bytes() > 0 && !rehearsing())
    encode().encode(on,
                    {.x = x,
                     .rows = pass.backward ? lists.halo_rows.span() : lists.send_rows.span(),
                     .ids = pass.backward ? ids.subspan(owned) : ids.first(owned),
                     .draws = draws},
                    flight.sent_.data());
  ledger_->add({std::string(counter_) + ".plan_bytes", pass.layer, -1},
               static_cast<double>(lists_.plan_rows * row_bytes));
  const RowCounts reversed{.send = lists.counts.receive, .receive = lists.counts.send};
  flight.messages_ = route_->start({flight.sent_.data(), flight.sent_.bytes()},
                                   {flight.arrived_.data(), flight.arrived_.bytes()},
                                   pass.backward ? reversed : lists.counts, row_bytes,
                                   {.what = pass.backward ? "halo gradient exchange" : "halo exchange",
                                    .counter = counter_,
                                    .layer = pass.layer});
  return flight;
}

Matrix HaloExchange::decoded(const Backend& on, Flight& flight) {
  flight.messages_.wait();
  const HaloLists& lists = *flight.lists_;
  const MemoryUse use(MemoryKind::halo);
  Matrix rows(flight.pass_.backward ? std::ssize(lists.send_rows) : lists.halo, flight.cols_);
  encode().decode(on, flight.arrived_.data(), rows);
  if (lists.scale != 1) axpby(on, lists.scale - 1, rows, 1, rows);
  return rows;
}

const Matrix& HaloExchange::up_to_date(const Backend& on, Flight& flight) {
  const HaloPass pass = flight.pass_;
  const auto [channel, first] = kept_.try_emplace({pass.layer, pass.backward});
  Kept& kept = channel->second;
  const MemoryUse use(MemoryKind::halo);
  if (first) {
    const std::int64_t rows = pass.backward ? std::ssize(planned(pass).send_rows) : lists_.halo;
    kept.rows = Matrix(rows, flight.cols_, 0.0f);
  }
  const auto take = [&](Flight& arrived) {
    const Matrix rows = decoded(on, arrived);
    const HaloLists& lists = *arrived.lists_;
    const auto places = pass.backward ? lists.send_places.span() : lists.halo_rows.span();
    const bool all =
        pass.backward ? &lists == &planned(pass) : lists.halo_rows.empty() && lists.halo == lists_.halo;
    all ? copy(on, rows, kept.rows) : put_rows(rows, places, kept.rows);
  };
  if (first || !one_step_late()) {
    take(flight);
  } else {
    if (kept.under_way.lists_ != nullptr) take(kept.under_way);
    kept.under_way = std::move(flight);
  }
  return kept.rows;
}

HaloExchange::Flight HaloExchange::start_fetch(const Backend& on, ConstTensor x, int layer,
                                               std::uint32_t step, Crossing what) {
  return start(on, x, {.layer = layer, .backward = false, .step = step, .what = what});
}

void HaloExchange::finish_fetch(const Backend& on, Flight& flight, Tensor halo) {
  if (keeps_values()) {
    copy(on, up_to_date(on, flight), halo);
    return;
  }
  const HaloLists& lists = *flight.lists_;
  if (lists.halo == halo.rows && lists.scale == 1 && lists.halo_rows.empty()) {
    flight.messages_.wait();
    encode().decode(on, flight.arrived_.data(), halo);
    return;
  }
  const Matrix rows = decoded(on, flight);
  if (rehearsing()) return;
  for (std::int64_t i = 0; i < halo.rows; ++i) std::fill_n(halo.row(i), halo.cols, 0.0f);
  put_rows(rows, lists.halo_rows, halo);
}

HaloExchange::Flight HaloExchange::start_return(const Backend& on, ConstTensor dhalo, int layer,
                                                std::uint32_t step, Crossing what) {
  return start(on, dhalo, {.layer = layer, .backward = true, .step = step, .what = what});
}

void HaloExchange::wait(Flight& flight) {
  if (!one_step_late()) flight.messages_.wait();
}

void HaloExchange::add_by_rank(const Backend& on, ConstTensor rows, const HaloLists& lists, Tensor dx) {
  std::int64_t begin = 0;
  for (const std::int64_t count : lists.counts.send) {
    const auto targets =
        lists.send_rows.span().subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
    if (count > 0) add_rows(on, rows.row_range(begin, begin + count), targets, dx);
    begin += count;
  }
}

void HaloExchange::finish_return(const Backend& on, Flight& flight, Tensor dx) {
  if (keeps_values()) {
    const HaloLists& all = planned(flight.pass_);
    add_by_rank(on, up_to_date(on, flight), all, dx);
  } else {
    const HaloLists& arriving = *flight.lists_;
    add_by_rank(on, decoded(on, flight), arriving, dx);
  }
}

}  // namespace kith
