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
  if (exact_ || rehearsing()) return;
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

/// Rows leave for the rank `distance` above and come from the one as far below.
std::unique_ptr<HaloTransfer> HaloExchange::depart_round(const Backend& on, ConstTensor x,
                                                         const HaloPass& pass, const HaloLists& lists,
                                                         int distance) {
  const HaloRoute::Round round{peer_at(pass, distance).rank, peer_at(pass, -distance).rank};
  const Slice sent = slice_of(lists.counts.send, round.to),
              coming = slice_of(lists.counts.receive, round.from);
  hold(static_cast<std::int64_t>(sent.count + coming.count));
  const auto write = [&](std::byte* wire) {
    encode(pass).encode(on,
                        {.x = x,
                         .rows = lists.send_rows.span().subspan(sent.begin, sent.count),
                         .ids = nodes(pass).ids.first(static_cast<std::size_t>(lists.owned)),
                         .draws = rounding_draws(pass, nodes_.seed, nodes_.self)},
                        wire);
  };
  return route_->start_round(
      {.lists = lists, .row_bytes = encode(pass).row_bytes(x.cols), .label = label(pass)}, round, write);
}

/// A row for every one that the rank has in the exchange's graph; they are held until their reader lets go.
Matrix HaloExchange::landed_round(const Backend& on, const HaloPass& pass, const HaloLists& lists,
                                  std::unique_ptr<HaloTransfer> transfer, int distance, std::int64_t cols) {
  const Peer peer = peer_at(pass, -distance);
  const Slice slice = slice_of(lists.counts.receive, peer.rank);
  const auto count = static_cast<std::int64_t>(slice.count);
  Matrix rows = landed(on, pass, {std::move(transfer), count, cols, lists.scale});
  hold(-count - lists.counts.send[static_cast<std::size_t>(peer_at(pass, distance).rank.value())]);
  const std::vector<std::int32_t> places = places_in(lists.halo_rows.span(), slice, peer.first);
  if (places.empty()) return rows;
  Matrix all(peer.rows, cols, 0.0f);
  hold(peer.rows);
  put_rows(on, rows, places, all);
  hold(-rows.rows());
  return all;
}

void HaloExchange::fetch_rounds(const Backend& on, ConstTensor x, const HaloPass& pass,
                                const Consume& consume) {
  const MemoryUse use(MemoryKind::halo);
  const HaloLists& lists = begin_rounds(pass, x.cols);
  const int ranks = static_cast<int>(lists.counts.send.size());
  const auto depart = [&](int distance) {
    return distance < ranks ? depart_round(on, x, pass, lists, distance) : nullptr;
  };
  std::unique_ptr<HaloTransfer> next = depart(1);
  for (int distance = 1; distance < ranks; ++distance) {
    const Peer peer = peer_at(pass, -distance);
    Matrix rows = landed_round(on, pass, lists, std::move(next), distance, x.cols);
    if (overlaps()) next = depart(distance + 1);
    if (slice_of(lists.counts.receive, peer.rank).count > 0) consume(peer, rows);
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
  HaloPass there = pass;
  there.backward = false;
  const bool again = returned.again.data != nullptr;
  if (again) begin_rounds(there, returned.again.cols);
  // What is fetched again goes before there is room for its gradients on the wire.
  const auto made_of = [&](const Peer& to, int distance, bool any) {
    Matrix fetched;
    if (again)
      fetched = landed_round(on, there, lists, depart_round(on, returned.again, there, lists, distance),
                             distance, returned.again.cols);
    Matrix made(any ? to.rows : 0, dx.cols);
    hold(made.rows());
    if (any) returned.make(to, fetched, made);
    hold(-fetched.rows());
    return made;
  };
  const auto depart = [&](int distance) {
    const Peer to = peer_at(pass, -distance), from = peer_at(pass, distance);
    const Slice slice = slice_of(lists.counts.receive, to.rank);
    const Matrix made = made_of(to, distance, slice.count > 0);
    hold(static_cast<std::int64_t>(slice.count) + lists.counts.send[from.rank.value()]);
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
    place->second = split_by_owner(graph.csr(), (plan != nullptr ? plan->lists : lists_).counts.receive,
                                   pass.what == Crossing::sums ? BlockUse::sums : BlockUse::attention);
  return place->second;
}

}  // namespace kith
