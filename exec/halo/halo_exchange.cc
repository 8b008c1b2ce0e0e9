#include "kith/exec/halo/halo_exchange.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "kith/core/memory_kind.h"
#include "kith/core/rehearsal.h"
#include "kith/exec/halo/left_out.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/rows.h"

namespace kith {
namespace {

FrameCheck check_of(const HaloProtocol& protocol) {
  return protocol.checksum ? FrameCheck::checksum : FrameCheck::none;
}

void copy(const Backend& on, ConstTensor from, Tensor to) { axpby(on, 1, from, 0, to); }

std::unique_ptr<HaloEncode> encode_of(const HaloProtocol& protocol) {
  return protocol.feedback ? make_feedback(protocol.encode) : make_encode(protocol.encode, protocol.steps);
}

}  // namespace

HaloExchange::HaloExchange(RowExchange& rows, Ledger& ledger, HaloLists lists, const HaloProtocol& protocol)
    : HaloExchange(make_route(protocol.route, rows, check_of(protocol)), ledger, std::move(lists), protocol) {
  nodes_.self = rows.comm().rank();
}

HaloExchange::HaloExchange(std::unique_ptr<HaloRoute> route, Ledger& ledger, HaloLists lists,
                           const HaloProtocol& protocol)
    : ledger_(&ledger),
      lists_(std::move(lists)),
      nodes_{.seed = protocol.seed},
      route_(std::move(route)),
      select_(make_select(protocol.select)),
      exact_select_(make_select("all")),
      encode_(encode_of(protocol)),
      exact_encode_(make_encode("fp32")),
      checksum_(protocol.checksum),
      framed_(*encode_, *select_, check_of(protocol)),
      exact_framed_(*exact_encode_, *exact_select_, check_of(protocol)),
      schedule_(make_schedule(protocol.schedule)) {}

// What the last step sent nobody looks at; but it must have left and arrived before its memory goes. After a
// failure nobody is waited for: the messages withdraw themselves.
HaloExchange::~HaloExchange() {
  if (std::uncaught_exceptions() > 0) return;
  try {
    for (auto& [channel, kept] : kept_)
      if (kept.under_way.transfer_ != nullptr) wait_for(kept.under_way);
  } catch (const Error&) {
    return;
  }
}

void HaloExchange::set_mode(const char* counter, bool exact, bool whole) {
  send_held();
  counter_ = counter;
  exact_ = exact;
  whole_ = whole;
}

void HaloExchange::evaluate_exactly(bool exact) { set_mode(exact ? "evaluation" : "halo", exact, exact); }

void HaloExchange::lose_nothing(bool exact) { set_mode(exact ? "probe" : "halo", exact, false); }

void HaloExchange::plan_reductions(std::vector<ReductionPlan> plans) {
  reductions_ = std::move(plans);
  blocks_.clear();
  route_->forget();
  for (const StoreId id : nodes_.ids.first(static_cast<std::size_t>(lists_.owned)))
    own_ids_.insert(id.value());
  const auto graph_of = [this](const Csr32& csr, std::int64_t arriving) {
    return std::make_unique<LayerGraph>(
        LayerGraph::Arrays{.csr = csr, .sources = csr.n() + arriving, .halo = this});
  };
  for (ReductionPlan& plan : reductions_) {
    if (plan.sums) plan.sums->graph = graph_of(plan.sums->csr, plan.sums->lists.halo);
    if (!plan.partials) continue;
    PartialPlan& partials = *plan.partials;
    partials.graph = graph_of(partials.csr, partials.rows.halo);
    partials.sent_graph =
        std::make_unique<LayerGraph>(LayerGraph::Arrays{.csr = partials.sent, .sources = lists_.owned});
  }
  for (ReductionPlan& plan : reductions_)
    if (plan.replicated) make_graphs(*plan.replicated);
}

void HaloExchange::make_graphs(ReplicatedPlan& plan) {
  const auto graph_of = [](const Csr32& csr, std::int64_t sources, HaloExchange* halo) {
    return std::make_unique<LayerGraph>(LayerGraph::Arrays{.csr = csr, .sources = sources, .halo = halo});
  };
  const std::int64_t sources = plan.rows.owned + plan.rows.halo;
  plan.graph = graph_of(plan.csr, sources, this);
  plan.sent_graph = graph_of(plan.sent, sources, nullptr);
  plan.merge_graph = graph_of(plan.merge, plan.sums.halo, nullptr);
}

const ReductionPlan* HaloExchange::reduction(int exchange) const {
  if (whole_) return nullptr;
  const auto place = reductions_.size() == 1 ? std::size_t{0} : static_cast<std::size_t>(exchange - 1);
  return place < reductions_.size() ? &reductions_[place] : nullptr;
}

const SumPlan* HaloExchange::sums(int exchange) const {
  const ReductionPlan* plan = reduction(exchange);
  return plan != nullptr && plan->sums ? &*plan->sums : nullptr;
}

const PartialPlan* HaloExchange::partials(int exchange) const {
  const ReductionPlan* plan = reduction(exchange);
  return plan != nullptr && plan->partials ? &*plan->partials : nullptr;
}

const ReplicatedPlan* HaloExchange::replicated(int exchange) const {
  const ReductionPlan* plan = reduction(exchange);
  return plan != nullptr && plan->replicated ? &*plan->replicated : nullptr;
}

CoverCosts HaloExchange::cover_costs(const StepExchange& exchange, std::int64_t place_bytes) const {
  return halo::cover_costs(
      exchange,
      {.row_bytes = encode_->row_bytes(exchange.cols), .share = exchange.left, .place_bytes = place_bytes});
}

std::int64_t HaloExchange::tail_bytes(const HaloPass& pass, std::int64_t cols) const {
  const PartialPlan* plan = partials_of(pass);
  return plan == nullptr ? 0 : halo::tail_bytes(pass, cols, plan->place_bytes);
}

const HaloLists& HaloExchange::planned(const HaloPass& pass) const {
  if (const SumPlan* plan = plan_of(pass)) return plan->lists;
  if (const PartialPlan* plan = partials_of(pass)) return plan->lists(pass.part);
  if (const ReplicatedPlan* plan = replicated_of(pass)) return plan->lists(pass.part);
  const auto exchange = static_cast<std::size_t>(pass.layer - 1);
  return whole_ || exchange >= narrowed_.size() ? lists_ : narrowed_[exchange];
}

HaloNodes HaloExchange::nodes(const HaloPass& pass) const {
  HaloNodes nodes = nodes_;
  if (const SumPlan* plan = plan_of(pass)) nodes.ids = plan->ids.span();
  if (const PartialPlan* plan = partials_of(pass)) nodes.ids = plan->ids(pass.part);
  if (const ReplicatedPlan* plan = replicated_of(pass)) nodes.ids = plan->ids(pass.part);
  return nodes;
}

// A rehearsal knows no nodes; all rows are the most that may cross.
const HaloLists& HaloExchange::selected(const HaloPass& pass) {
  if (whole_ || rehearsing()) return lists_;
  // Lists are the host's, whatever the thread that asks for them is at.
  const UseMemory host(nullptr);
  const MemoryUse use(MemoryKind::halo);
  return exact_ || pass.probe ? planned(pass) : select_->select(planned(pass), nodes(pass), pass);
}

bool HaloExchange::in_frames(const HaloPass& pass) const {
  return !rehearsing() &&
         (checksum_ || (!as_is(pass) && (encode_->frames() != nullptr || select_->decides())));
}

// Of what a plan sums, a row that stands for one node alone has that one's id, which is the sender's; a sum
// has its destination's.
std::vector<HaloLink> HaloExchange::sending(const HaloLists& lists, const HaloPass& pass) const {
  const auto owned = static_cast<std::size_t>(lists.owned);
  const std::span<const StoreId> ids = nodes(pass).ids;
  std::vector<HaloLink> links = pass.backward
                                    ? links_of(lists.counts.receive, lists.halo_rows, ids.subspan(owned))
                                    : links_of(lists.counts.send, lists.send_rows, ids.first(owned));
  if (plan_of(pass) == nullptr) return links;
  for (HaloLink& link : links)
    for (const StoreId id : link.ids) link.sums.push_back(own_ids_.contains(id.value()) == pass.backward);
  return links;
}

std::vector<HaloLink> HaloExchange::arriving(const HaloLists& lists, HaloPass pass) const {
  pass.backward = !pass.backward;
  return sending(lists, pass);
}

ExchangeLabel HaloExchange::label(const HaloPass& pass) const {
  return {.what = pass.backward ? "halo gradient exchange" : "halo exchange",
          .counter = counter(pass),
          .layer = pass.layer};
}

void HaloExchange::add_counts(const HaloPass& pass, Rank peer, const FrameCounts& counts,
                              Ledger& into) const {
  const std::string prefix = std::string(counter(pass)) + (pass.backward ? ".backward." : ".forward.");
  const auto add = [&](const char* what, std::int64_t amount) {
    if (amount > 0) into.add({prefix + what, pass.layer, peer.value()}, static_cast<double>(amount));
  };
  add("rows", counts.rows);
  add("skipped_rows", counts.skipped);
  add("payload_bytes", counts.bytes.payload);
  add("header_bytes", counts.bytes.header);
  add("messages", counts.messages);
}

void HaloExchange::count(const HaloPass& pass, std::int64_t cols, Ledger& into) {
  const HaloLists& lists = selected(pass);
  const std::vector<std::int64_t> planned_rows = route_->counts(planned(pass), pass.backward).send,
                                  rows = route_->counts(lists, pass.backward).send,
                                  messages = route_->messages(lists, pass.backward);
  const std::int64_t tail = tail_bytes(pass, cols), header = encode(pass).header_bytes(cols),
                     payload = encode(pass).row_bytes(cols) - header + tail;
  std::vector<FrameCounts> counts(rows.size());
  for (std::size_t peer = 0; peer < rows.size(); ++peer)
    counts[peer] = {
        .rows = rows[peer], .messages = messages[peer], .bytes = {rows[peer] * payload, rows[peer] * header}};
  if (in_frames(pass)) {
    for (const HaloLink& link : sending(lists, pass)) {
      FrameCounts& of_link = counts[static_cast<std::size_t>(link.peer.value())];
      of_link = framed(pass).known_counts(exchange_of(pass, cols), link);
      of_link.bytes.payload += link.rows() * tail;
    }
  }
  for (std::size_t peer = 0; peer < rows.size(); ++peer) {
    counts[peer].skipped = planned_rows[peer] - counts[peer].rows;
    add_counts(pass, Rank(static_cast<int>(peer)), counts[peer], into);
  }
}

HaloExchange::Flight HaloExchange::begun(const Backend& on, ConstTensor x, const HaloPass& pass) {
  send_held();
  if (observer_ && !pass.probe) observer_(pass, x.cols);
  Flight flight;
  if (one_step_late()) flight.exchange_ = this;
  flight.pass_ = pass;
  flight.cols_ = x.cols;
  flight.lists_ = &selected(pass);
  flight.on_ = on;
  return flight;
}

HaloExchange::Flight HaloExchange::start(const Backend& on, ConstTensor x, const HaloPass& pass,
                                         std::span<const std::byte> tails) {
  Flight flight = begun(on, x, pass);
  const MemoryUse use(MemoryKind::halo);
  if (holds(pass)) {
    flight.held_ = Matrix(x.rows, x.cols);
    copy(on, x, flight.held_);
  } else {
    depart(on, x, tails, flight);
  }
  if (errors_ == nullptr || as_is(pass)) return flight;
  HaloPass probe = pass;
  probe.probe = true;
  flight.probe_ = std::make_unique<Flight>(start(on, x, probe, tails));
  return flight;
}

bool HaloExchange::leaves_out_rows(const HaloPass& pass) const {
  return !exact_ && errors_ == nullptr && !rehearsing() && select_->drops_rows() && !one_step_late() &&
         !in_frames(pass);
}

HaloExchange::Flight HaloExchange::start_return_of_crossing(const Backend& on, ConstTensor dhalo,
                                                            HaloPass pass) {
  pass.backward = true;
  pass.zeros = {};
  Flight flight = begun(on, dhalo, pass);
  const MemoryUse use(MemoryKind::halo);
  flight.in_order_ = true;
  depart(on, dhalo, {}, flight);
  return flight;
}

// The first exchange's gradients are a step's last; a rehearsal sends nothing that others wait behind.
bool HaloExchange::holds(const HaloPass& pass) const {
  return one_step_late() && !pass.probe && pass.backward && pass.layer <= 1 && pass.part == HaloPart::rows &&
         !rehearsing();
}

void HaloExchange::send_held() {
  for (auto& [channel, kept] : kept_) depart_held(kept.under_way);
}

void HaloExchange::progress_under_way() {
  for (auto& [channel, kept] : kept_)
    if (kept.under_way.transfer_ != nullptr) kept.under_way.transfer_->progress();
}

void HaloExchange::depart_held(Flight& flight) {
  if (flight.held_.cols() == 0) return;
  const MemoryUse use(MemoryKind::halo);
  const Matrix rows = std::exchange(flight.held_, {});
  depart(flight.on_, rows, {}, flight);
}

void HaloExchange::depart(const Backend& on, ConstTensor x, std::span<const std::byte> tails,
                          Flight& flight) {
  const HaloPass& pass = flight.pass_;
  // What crosses ranks lies on the host, for MPI need not know devices; rows of one length cross from a
  // device where the communicator takes its memory. Frames are packed by the host.
  const UseMemory host(nullptr);
  if (pass.part == HaloPart::rows && !pass.probe)
    ledger_->add({std::string(counter_) + ".plan_bytes", pass.layer, -1},
                 static_cast<double>(lists_.plan_rows * encode(pass).row_bytes(x.cols)));
  in_frames(pass) ? start_frames(on, x, tails, flight) : start_rows(on, x, tails, flight);
}

void HaloExchange::start_rows(const Backend& on, ConstTensor x, std::span<const std::byte> tails,
                              Flight& flight) {
  const HaloPass& pass = flight.pass_;
  const HaloLists& lists = *flight.lists_;
  count(pass, x.cols, *ledger_);
  const std::int64_t row_bytes = encode(pass).row_bytes(x.cols) + tail_bytes(pass, x.cols);
  const auto owned = static_cast<std::size_t>(lists.owned);
  const auto write = [&](std::byte* wire) {
    if (pass.part == HaloPart::partials) return encode_with_tails(on, x, tails, flight, wire);
    const std::span<const StoreId> ids = nodes(pass).ids;
    if (flight.in_order_) return encode_in_order(on, x, flight, wire);
    encode(pass).encode(on,
                        {.x = x,
                         .rows = pass.backward ? lists.halo_rows.span() : route_->written(lists),
                         .ids = pass.backward ? ids.subspan(owned) : ids.first(owned),
                         .draws = rounding_draws(pass, nodes_.seed, nodes_.self)},
                        wire);
  };
  flight.alive_ = pass.probe ? 0 : lists.counts.total_send() + lists.counts.total_receive();
  hold(flight.alive_);
  flight.transfer_ = route_->start({.lists = lists,
                                    .backward = pass.backward,
                                    .row_bytes = row_bytes,
                                    .label = label(pass),
                                    .in_pieces = pass.part == HaloPart::partials},
                                   write);
}

void HaloExchange::encode_in_order(const Backend& on, ConstTensor x, const Flight& flight, std::byte* wire) {
  const HaloPass& pass = flight.pass_;
  const HaloLists& lists = *flight.lists_;
  const auto ids = nodes(pass).ids.subspan(static_cast<std::size_t>(lists.owned));
  std::vector<StoreId> some;
  for (std::int64_t i = 0; i < x.rows; ++i)
    some.push_back(ids[lists.halo_rows.empty() ? i : lists.halo_rows[i]]);
  encode(pass).encode(
      on, {.x = x, .rows = {}, .ids = some, .draws = rounding_draws(pass, nodes_.seed, nodes_.self)}, wire);
}

void HaloExchange::start_frames(const Backend& on, ConstTensor x, std::span<const std::byte> tails,
                                Flight& flight) {
  const HaloPass& pass = flight.pass_;
  const HaloLists& lists = *flight.lists_;
  const FramedRows::Exchange exchange = exchange_of(pass, x.cols);
  const auto places = pass.backward ? lists.halo_rows.span() : lists.send_rows.span();
  const std::vector<HaloLink> links = sending(lists, pass);
  const RowCounts& all = planned(pass).counts;
  std::vector<std::int64_t> skipped = pass.backward ? all.receive : all.send;
  const std::int64_t tail = tail_bytes(pass, x.cols);
  flight.packed_.resize(links.size());
  for (std::size_t i = 0; i < links.size(); ++i) {
    const HaloLink& link = links[i];
    Matrix rows(link.rows(), x.cols);
    if (places.empty())
      copy(on, x.row_range(link.begin, link.begin + link.rows()), rows);
    else
      gather_rows(on, x, places.subspan(static_cast<std::size_t>(link.begin), link.ids.size()), rows);
    std::copy_n(tails.begin() + link.begin * tail, link.rows() * tail,
                appended(flight.packed_[i], link.rows() * tail));
    FrameCounts counts = framed(pass).pack(Cpu{}, exchange, link, rows, flight.packed_[i]);
    counts.bytes.payload += link.rows() * tail;
    std::int64_t& rest = skipped[static_cast<std::size_t>(link.peer.value())];
    counts.skipped = std::exchange(rest, 0) - counts.rows;
    add_counts(pass, link.peer, counts, *ledger_);
    ledger_->add({std::string(counter(pass)) + ".rows", pass.layer, link.peer.value()},
                 static_cast<double>(counts.rows));
  }
  for (std::size_t peer = 0; peer < skipped.size(); ++peer)
    add_counts(pass, Rank(static_cast<int>(peer)), {.skipped = skipped[peer]}, *ledger_);
  flight.arriving_ = arriving(lists, pass);
  std::vector<FrameExchange::Parcel> parcels;
  for (std::size_t i = 0; i < links.size(); ++i) parcels.push_back({links[i].peer, flight.packed_[i]});
  std::vector<FrameExchange::Expected> expected;
  for (const HaloLink& link : flight.arriving_)
    expected.push_back({link.peer, framed(pass).most_bytes(exchange, link) + link.rows() * tail});
  flight.transfer_ = route_->start_frames(parcels, expected, label(pass));
}

void HaloExchange::wait_for(Flight& flight) {
  // Routes sort what arrived in the host's memory, whatever the thread that waits is at.
  const UseMemory host(nullptr);
  depart_held(flight);
  if (flight.transfer_ != nullptr) flight.transfer_->wait();
}

void HaloExchange::decode_arrived(const Backend& on, Flight& flight, Tensor rows) {
  HaloEncode& encode = this->encode(flight.pass_);
  const std::int64_t row_bytes = encode.row_bytes(flight.cols_);
  std::int64_t begin = 0;
  for (const std::span<const std::byte> run : flight.transfer_->arrived()) {
    if (run.empty()) continue;
    const std::int64_t end = begin + std::ssize(run) / row_bytes;
    encode.decode(on, run.data(), rows.row_range(begin, end));
    begin = end;
  }
  flight.transfer_.reset();
  hold(-std::exchange(flight.alive_, 0));
}

Matrix HaloExchange::decoded(const Backend& on, Flight& flight, const Kept* kept) {
  wait_for(flight);
  const HaloPass& pass = flight.pass_;
  const HaloLists& lists = *flight.lists_;
  const MemoryUse use(MemoryKind::halo);
  const UseMemory where(in_frames(pass) ? nullptr : UseMemory::current());
  Matrix rows(pass.backward ? std::ssize(lists.send_rows) : lists.halo, flight.cols_);
  if (!in_frames(pass)) {
    decode_arrived(on, flight, rows);
  } else {
    if (kept != nullptr) gather_kept(on, *kept, flight, rows);
    const std::vector<std::span<const std::byte>> frames = flight.transfer_->arrived();
    for (std::size_t i = 0; i < flight.arriving_.size(); ++i) {
      const HaloLink& link = flight.arriving_[i];
      const std::vector<char> crossed =
          framed(pass).unpack(Cpu{}, exchange_of(pass, flight.cols_), link, frames[i],
                              rows.view().row_range(link.begin, link.begin + link.rows()));
      flight.crossed_.insert(flight.crossed_.end(), crossed.begin(), crossed.end());
    }
    flight.transfer_.reset();
  }
  if (lists.scale != 1) axpby(on, lists.scale - 1, rows, 1, rows);
  return rows;
}

bool HaloExchange::whole(const Flight& flight) const {
  const HaloLists& lists = *flight.lists_;
  return flight.pass_.backward ? &lists == &planned(flight.pass_)
                               : lists.halo_rows.empty() && lists.halo == lists_.halo;
}

std::span<const std::int32_t> HaloExchange::kept_places(const Flight& flight) {
  return flight.pass_.backward ? flight.lists_->send_places.span() : flight.lists_->halo_rows.span();
}

void HaloExchange::gather_kept(const Backend& on, const Kept& kept, const Flight& flight, Tensor rows) const {
  const Matrix& all = kept.rows.rows();
  whole(flight) ? copy(on, all, rows) : gather_rows(on, all, kept_places(flight), rows);
}

std::int64_t HaloExchange::kept_count(const HaloPass& pass) const {
  return pass.backward ? std::ssize(planned(pass).send_rows) : lists_.halo;
}

void HaloExchange::take(const Backend& on, Kept& kept, Flight& arrived) {
  Matrix rows = decoded(on, arrived, &kept);
  kept.rows.take(on, {.rows = std::move(rows),
                      .places = kept_places(arrived),
                      .all = whole(arrived),
                      .keeps_others = select_->keeps_missing(),
                      .smoothing = schedule_->smoothing(arrived.pass_.backward),
                      .step = arrived.pass_.step,
                      .crossed = arrived.crossed_});
}

void HaloExchange::settle(const Backend& on, Kept& kept) {
  if (kept.under_way.lists_ == nullptr) return;
  take(on, kept, kept.under_way);
  kept.under_way = {};
}

const Matrix& HaloExchange::up_to_date(const Backend& on, Flight& flight) {
  const HaloPass pass = flight.pass_;
  const auto [channel, first] = kept_.try_emplace({pass.layer, pass.backward});
  Kept& kept = channel->second;
  const MemoryUse use(MemoryKind::halo);
  if (first) kept.rows = KeptRows(kept_count(pass), flight.cols_);
  if (first || !one_step_late()) {
    take(on, kept, flight);
  } else {
    settle(on, kept);
    kept.under_way = std::move(flight);
  }
  const char* ages = pass.backward ? "halo.age.backward" : "halo.age.forward";
  kept.rows.count_ages(pass.step, ages, pass.layer, *ledger_);
  return kept.rows.rows();
}

HaloState HaloExchange::state(const Backend& on) {
  send_held();
  const UseMemory there(memory_of(on));
  HaloState state;
  std::int64_t number = 0;
  Matrix channels;
  {
    const UseMemory host(nullptr);
    channels = Matrix(std::ssize(kept_), 2);
  }
  for (auto& [channel, kept] : kept_) {
    settle(on, kept);
    channels(number, 0) = static_cast<float>(channel.first);
    channels(number, 1) = channel.second ? 1.0f : 0.0f;
    kept.rows.save(state, "kept." + std::to_string(number++));
  }
  state.put("kept.channels", channels);
  select_->save(state);
  if (encode_->frames() != nullptr) encode_->frames()->save(state);
  return state;
}

void HaloExchange::restore(const Backend& on, const HaloState& state) {
  const UseMemory there(memory_of(on));
  const Matrix& channels = state.at("kept.channels", 2);
  for (std::int64_t i = 0; i < channels.rows(); ++i) {
    const HaloPass pass{.layer = static_cast<int>(channels(i, 0)), .backward = channels(i, 1) != 0};
    kept_[{pass.layer, pass.backward}].rows =
        KeptRows::restored(state, "kept." + std::to_string(i), kept_count(pass));
  }
  select_->restore(state);
  if (encode_->frames() != nullptr) encode_->frames()->restore(state);
}

HaloExchange::Flight HaloExchange::start_fetch(const Backend& on, ConstTensor x, const HaloPass& pass) {
  return start(on, x, pass);
}

void HaloExchange::compare(const Backend& on, std::unique_ptr<Flight> probe, ConstTensor got) {
  const HaloPass& pass = probe->pass_;
  const Matrix arrived = decoded(on, *probe);
  const UseMemory host(nullptr);
  Matrix exact(arrived.rows(), arrived.cols());
  copy_values(arrived.span(), exact.span());
  // A selection's frames have fewer rows, of which these are not told apart.
  const auto* leaves = dynamic_cast<const LeavesOut*>(encode_->frames());
  if (leaves != nullptr && pass.backward)
    for (const HaloLink& link : arriving(*probe->lists_, pass))
      leaves->leave_out(
          {.pass = pass, .peer = link.peer, .cols = exact.cols(), .ids = link.ids, .sums = link.sums},
          exact.view().row_range(link.begin, link.begin + link.rows()));
  errors_->add(pass.layer, pass.backward, got, exact);
}

void HaloExchange::finish_fetch(const Backend& on, Flight& flight, Tensor halo) {
  std::unique_ptr<Flight> probe = std::move(flight.probe_);
  fetch_into(on, flight, halo);
  if (probe == nullptr) return;
  const Array<std::int32_t>& places = probe->lists_->halo_rows;
  if (places.empty() && probe->lists_->halo == halo.rows) return compare(on, std::move(probe), halo);
  Matrix got(std::ssize(places), halo.cols);
  gather_rows(on, halo, places, got);
  compare(on, std::move(probe), got);
}

void HaloExchange::fetch_into(const Backend& on, Flight& flight, Tensor halo) {
  if (keeps_rows()) {
    copy(on, up_to_date(on, flight), halo);
    return;
  }
  const HaloLists& lists = *flight.lists_;
  const bool all = lists.halo == halo.rows && lists.halo_rows.empty();
  if (all && lists.scale == 1 && !in_frames(flight.pass_)) {
    wait_for(flight);
    return decode_arrived(on, flight, halo);
  }
  if (all) return copy(on, decoded(on, flight), halo);
  const Matrix rows = decoded(on, flight);
  fill(on, 0, halo);
  if (!rehearsing()) put_rows(on, rows, lists.halo_rows, halo);
}

HaloExchange::Flight HaloExchange::start_return(const Backend& on, ConstTensor dhalo, HaloPass pass) {
  pass.backward = true;
  pass.zeros = {};
  return start(on, dhalo, pass);
}

void HaloExchange::wait(Flight& flight) {
  if (!one_step_late()) wait_for(flight);
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
  std::unique_ptr<Flight> probe = std::move(flight.probe_);
  if (keeps_rows()) {
    const HaloLists& all = planned(flight.pass_);
    const Matrix& kept = up_to_date(on, flight);
    if (probe != nullptr) compare(on, std::move(probe), kept);
    return add_by_rank(on, kept, all, dx);
  }
  const HaloLists& arriving = *flight.lists_;
  const Alive alive(*this, std::ssize(arriving.send_rows));
  const Matrix rows = decoded(on, flight);
  add_by_rank(on, rows, arriving, dx);
  if (probe == nullptr) return;
  if (&arriving == probe->lists_) return compare(on, std::move(probe), rows);
  Matrix got(std::ssize(probe->lists_->send_rows), dx.cols, 0.0f);
  put_rows(on, rows, arriving.send_places, got);
  compare(on, std::move(probe), got);
}

}  // namespace kith
