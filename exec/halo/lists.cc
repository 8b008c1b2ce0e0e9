// What the values of an axis share: lists from what a receiver knows, and parts of lists that both ends know.
#include <algorithm>

#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

constexpr std::int64_t kIdBytes = sizeof(std::int64_t);

/// crosses(place) for the rows of every peer; kept places, and how many of each peer.
template <class Crosses>
std::vector<std::int32_t> kept_places(std::span<const std::int64_t> counts, std::vector<std::int64_t>& kept,
                                      Crosses&& crosses) {
  std::vector<std::int32_t> places;
  kept.assign(counts.size(), 0);
  std::int32_t place = 0;
  for (std::size_t peer = 0; peer < counts.size(); ++peer) {
    for (std::int64_t i = 0; i < counts[peer]; ++i, ++place) {
      if (!crosses(place, Rank(static_cast<int>(peer)))) continue;
      places.push_back(place);
      ++kept[peer];
    }
  }
  return places;
}

}  // namespace

// The receiver knows which rows it needs (its halo), and tells the owners at start.
HaloLists told_lists(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo) {
  RowExchange& rows = owners.rows;
  const auto ranks = static_cast<std::size_t>(rows.comm().size());
  HaloLists lists{.owned = owners.owned, .halo = std::ssize(halo)};
  lists.counts.receive.assign(ranks, 0);
  for (const GlobalId node : halo)
    ++lists.counts.receive[static_cast<std::size_t>(owners.owner(node).value())];

  const ExchangeLabel label{.what = "telling owners which halo rows are needed", .counter = "setup"};
  lists.counts.send = rows.exchange_counts(lists.counts.receive, label);
  Array<GlobalId> asked(static_cast<std::size_t>(lists.counts.total_send()));
  const RowCounts ask{.send = lists.counts.receive, .receive = lists.counts.send};
  rows.exchange(std::as_bytes(halo), std::as_writable_bytes(asked.span()), ask, kIdBytes, label);

  for (std::size_t r = 0; r < ranks; ++r) lists.owned_of.push_back(owners.begins[r + 1] - owners.begins[r]);
  lists.owner_rows = Array<std::int32_t>(halo.size());
  std::transform(halo.begin(), halo.end(), lists.owner_rows.begin(), [&](GlobalId node) {
    return static_cast<std::int32_t>(node.value() -
                                     owners.begins[static_cast<std::size_t>(owners.owner(node).value())]);
  });
  lists.send_rows = Array<std::int32_t>(asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const std::int64_t row = asked[i].value() - owners.first;
    require(0 <= row && row < owners.owned, "a rank asks for rows that this rank owns",
            {{"row", row}, {"owned", owners.owned}});
    lists.send_rows[i] = static_cast<std::int32_t>(row);
  }
  return lists;
}

HaloLists picked(const HaloLists& planned, const HaloNodes& nodes,
                 const std::function<bool(StoreId, Rank receiver)>& crosses) {
  const auto halo_row = [&](std::int32_t place) {
    return planned.halo_rows.empty() ? place : planned.halo_rows[place];
  };
  HaloLists part{.owned = planned.owned, .scale = planned.scale, .plan_rows = planned.plan_rows};
  const auto sent = kept_places(planned.counts.send, part.counts.send, [&](std::int32_t place, Rank peer) {
    return crosses(nodes.ids[planned.send_rows[place]], peer);
  });
  const auto received =
      kept_places(planned.counts.receive, part.counts.receive, [&](std::int32_t place, Rank) {
        return crosses(nodes.ids[planned.owned + halo_row(place)], nodes.self);
      });
  part.halo = std::ssize(received);
  part.send_places = copy_of(std::span<const std::int32_t>(sent));
  part.send_rows = Array<std::int32_t>(sent.size());
  std::transform(sent.begin(), sent.end(), part.send_rows.begin(),
                 [&](std::int32_t place) { return planned.send_rows[place]; });
  part.halo_rows = Array<std::int32_t>(received.size());
  std::transform(received.begin(), received.end(), part.halo_rows.begin(), halo_row);
  return part;
}

}  // namespace kith::halo
