// An exchange in rounds. In round d this rank deals with the ranks d below and d above it alone; rows of
// others are counted as long as they are anywhere: on the wire, decoded, or made for the wire.
#include <algorithm>
#include <numeric>
#include <utility>

#include "kith/core/memory_kind.h"
#include "kith/exec/halo/halo_exchange.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/rows.h"

namespace kith {
namespace {

struct Slice {
  std::size_t begin = 0, count = 0;
};

Slice slice_of(const std::vector<std::int64_t>& counts, Rank rank) {
  const auto end = counts.begin() + rank.value();
  return {static_cast<std::size_t>(std::accumulate(counts.begin(), end, std::int64_t{0})),
          static_cast<std::size_t>(*end)};
}

/// Rows by their places among a rank's; empty: all of them.
std::vector<std::int32_t> places_in(std::span<const std::int32_t> halo_rows, const Slice& slice,
                                    std::int64_t first) {
  if (halo_rows.empty()) return {};
  std::vector<std::int32_t> places;
  for (const std::int32_t row : halo_rows.subspan(slice.begin, slice.count))
    places.push_back(static_cast<std::int32_t>(row - first));
  return places;
}

}  // namespace

HaloExchange::Peer HaloExchange::peer_at(const HaloPass& pass, int distance) const {
  const SumPlan* plan = plan_of(pass);
  const std::vector<std::int64_t>& counts = (plan != nullptr ? plan->lists : lists_).counts.receive;
  const int ranks = static_cast<int>(counts.size());
  const Rank rank((nodes_.self.value() + distance + ranks) % ranks);
  const Slice slice = slice_of(counts, rank);
  return {rank, static_cast<std::int64_t>(slice.begin), static_cast<std::int64_t>(slice.count)};
}

const HaloLists& HaloExchange::begin_rounds(const HaloPass& pass, std::int64_t cols) {
  if (observer_) observer_(pass, cols);
  ledger_->add({std::string(counter_) + ".plan_bytes", pass.layer, -1},
               static_cast<double>(lists_.plan_rows * encode(pass).row_bytes(cols)));
  count(pass, cols, *ledger_);
  return selected(pass);
}

void HaloExchange::hold(std::int64_t rows) {
  rows_alive_ += rows;
  if (rows_alive_ <= most_rows_alive_) return;
  most_rows_alive_ = rows_alive_;
  ledger_->set("halo.most_rows_alive", static_cast<double>(most_rows_alive_));
}

/// The rows that a round brought; the wire is given back.
Matrix HaloExchange::landed(const Backend& on, const HaloPass& pass, Landing landing) {
  landing.transfer->wait();
  Matrix rows(landing.rows, landing.cols);
  hold(landing.rows);
  if (landing.rows > 0) encode(pass).decode(on, landing.transfer->arrived().front().data(), rows);
  if (landing.scale != 1) axpby(on, landing.scale - 1, rows, 1, rows);
  return rows;
}

void HaloExchange::fetch_rounds(const Backend& on, ConstTensor x, const HaloPass& pass,
                                const Consume& consume) {
  const MemoryUse use(MemoryKind::halo);
  const HaloLists& lists = begin_rounds(pass, x.cols);
  const int ranks = static_cast<int>(lists.counts.send.size());
  const auto received = [&](int distance) {
    return slice_of(lists.counts.receive, peer_at(pass, -distance).rank);
  };
  const auto sent = [&](int distance) { return slice_of(lists.counts.send, peer_at(pass, distance).rank); };
  const auto on_wire = [&](int d) { return static_cast<std::int64_t>(received(d).count + sent(d).count); };
  const auto depart = [&](int distance) -> std::unique_ptr<HaloTransfer> {
    if (distance >= ranks) return nullptr;
    const HaloRoute::Round round{peer_at(pass, distance).rank, peer_at(pass, -distance).rank};
    hold(on_wire(distance));
    return route_->start_round(
        {.lists = lists, .row_bytes = encode(pass).row_bytes(x.cols), .label = label(pass)}, round,
        [&](std::byte* wire) {
          const Slice slice = sent(distance);
          encode(pass).encode(on,
                              {.x = x,
                               .rows = lists.send_rows.span().subspan(slice.begin, slice.count),
                               .ids = nodes(pass).ids.first(static_cast<std::size_t>(lists.owned)),
                               .draws = rounding_draws(pass, nodes_.seed, nodes_.self)},
                              wire);
        });
  };
  std::unique_ptr<HaloTransfer> next = depart(1);
  for (int distance = 1; distance < ranks; ++distance) {
    const Peer peer = peer_at(pass, -distance);
    const Slice slice = received(distance);
    Matrix rows =
        landed(on, pass, {std::move(next), static_cast<std::int64_t>(slice.count), x.cols, lists.scale});
    hold(-on_wire(distance));
    const std::vector<std::int32_t> places = places_in(lists.halo_rows.span(), slice, peer.first);
    if (!places.empty()) {
      Matrix all(peer.rows, x.cols, 0.0f);
      hold(peer.rows);
      put_rows(on, rows, places, all);
      hold(-rows.rows());
      rows = std::move(all);
    }
    if (overlaps()) next = depart(distance + 1);
    if (slice.count > 0) consume(peer, rows);
    hold(-rows.rows());
    rows = Matrix();
    if (!overlaps()) next = depart(distance + 1);
  }
}

void HaloExchange::return_rounds(const Backend& on, const HaloPass& pass, const Returned& returned,
                                 Tensor dx) {
  const MemoryUse use(MemoryKind::halo);
  const HaloLists& lists = begin_rounds(pass, dx.cols);
  const int ranks = static_cast<int>(lists.counts.send.size());
  const auto depart = [&](int distance) {
    const Peer to = peer_at(pass, -distance), from = peer_at(pass, distance);
    const Slice slice = slice_of(lists.counts.receive, to.rank);
    Matrix made(slice.count > 0 ? to.rows : 0, dx.cols);
    hold(made.rows() + static_cast<std::int64_t>(slice.count) + lists.counts.send[from.rank.value()]);
    if (slice.count > 0) returned.make(to, made);
    const std::vector<std::int32_t> places = places_in(lists.halo_rows.span(), slice, to.first);
    auto transfer = route_->start_round(
        {.lists = lists,
         .backward = true,
         .row_bytes = encode(pass).row_bytes(dx.cols),
         .label = label(pass)},
        {to.rank, from.rank}, [&](std::byte* wire) {
          const auto begin = static_cast<std::size_t>(lists.owned + to.first);
          encode(pass).encode(on,
                              {.x = made,
                               .rows = places,
                               .ids = nodes(pass).ids.subspan(begin, static_cast<std::size_t>(to.rows)),
                               .draws = rounding_draws(pass, nodes_.seed, nodes_.self)},
                              wire);
        });
    hold(-made.rows());
    return transfer;
  };
  for (int distance = 1; distance < ranks; ++distance) {
    auto transfer = depart(distance);
    if (distance == 1) returned.meanwhile();
    const Slice slice = slice_of(lists.counts.send, peer_at(pass, distance).rank);
    const auto count = static_cast<std::int64_t>(slice.count);
    const Matrix rows = landed(on, pass, {std::move(transfer), count, dx.cols, lists.scale});
    if (count > 0) add_rows(on, rows, lists.send_rows.span().subspan(slice.begin, slice.count), dx);
    hold(-2 * count - lists.counts.receive[peer_at(pass, -distance).rank.value()]);
  }
  if (ranks == 1) returned.meanwhile();
}

const OwnerBlocks& HaloExchange::blocks(const LayerGraph& graph, const HaloPass& pass) {
  const auto [place, fresh] = blocks_.try_emplace(&graph);
  const SumPlan* plan = plan_of(pass);
  if (fresh)
    place->second = split_by_owner(graph.csr(), (plan != nullptr ? plan->lists : lists_).counts.receive);
  return place->second;
}

}  // namespace kith
