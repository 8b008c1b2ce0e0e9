// As for sums (sum_plan.cc) the receiver knows the cut edges, covers them and tells the owners. The edges of
// a row end up in three places: with this rank, whose own sources and those that cross as they are stay in
// the row's order; and with the owners of the others. Dropout of attention is a function of an edge's place
// in the whole row, so places travel with the edges.
#include "kith/exec/halo/partial_plan.h"

#include <algorithm>
#include <numeric>

#include "kith/exec/halo/told.h"
#include "kith/exec/halo/values.h"
#include "kith/graph/builders.h"

namespace kith::halo {
namespace {

constexpr std::int32_t kAbsent = -1;

template <class T>
Array<T> array_of(const std::vector<T>& values) {
  return copy_of(std::span<const T>(values));
}

template <class T>
Array<T> joined(std::span<const T> first, std::span<const T> second) {
  Array<T> both(first.size() + second.size());
  std::copy(second.begin(), second.end(), std::copy(first.begin(), first.end(), both.begin()));
  return both;
}

Array<std::int64_t> begins_of(std::span<const std::int64_t> lengths) {
  Array<std::int64_t> begins(lengths.size() + 1, 0);
  std::partial_sum(lengths.begin(), lengths.end(), begins.begin() + 1);
  return begins;
}

Array<std::int32_t> numbers(std::int64_t count) {
  Array<std::int32_t> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

/// What one rank asks of others, in the order of the ranks and of the partials on the wire.
struct Asked {
  std::vector<std::int64_t> partials, sources;  ///< how many of each rank
  std::vector<std::int64_t> lengths;            ///< of a partial: how many sources it is made of
  std::vector<std::int32_t> into;               ///< its destination
  std::vector<StoreId> labels;                  ///< that one's id
  std::vector<GlobalId> nodes;                  ///< the sources, partial by partial
  std::vector<std::int64_t> slots;              ///< their places in the destination's row
  std::vector<StoreId> ids;                     ///< their ids
};

class Receiver {
 public:
  Receiver(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo, const CutRows& rows,
           const CoverRule& rule)
      : owners_(owners), halo_(halo), rows_(rows), cuts_(covered_cuts(owners, halo, rows, rule)) {
    place_.assign(static_cast<std::size_t>(owners.owned) + halo.size(), kAbsent);
  }

  const CoveredCuts& cuts() const { return cuts_; }

  /// The sources that cross as they are, ascending.
  std::vector<GlobalId> sources() {
    constexpr std::int32_t kCrosses = 0;
    for (std::size_t rank = 0; rank < cuts_.edges.size(); ++rank)
      for (std::size_t c = 0; c < cuts_.covers[rank].columns.size(); ++c)
        if (cuts_.covers[rank].columns[c]) place_[cuts_.edges[rank].columns[c]] = kCrosses;
    std::vector<GlobalId> crossing;
    for (std::size_t h = 0; h < halo_.size(); ++h) {
      std::int32_t& place = place_[static_cast<std::size_t>(owners_.owned) + h];
      if (place == kAbsent) continue;
      place = static_cast<std::int32_t>(crossing.size());
      crossing.push_back(halo_[h]);
    }
    return crossing;
  }

  /// Of what no row brings. Where both ends of an edge are covered, the source's row serves.
  Asked partials() const {
    Asked asked;
    for (std::size_t rank = 0; rank < cuts_.edges.size(); ++rank) {
      const std::size_t before = asked.lengths.size(), sources = asked.nodes.size();
      const VertexCover& cover = cuts_.covers[rank];
      for (std::size_t r = 0; r < cover.rows.size(); ++r)
        if (cover.rows[r]) ask(cuts_.edges[rank].rows[r], static_cast<std::int32_t>(rank), asked);
      asked.partials.push_back(static_cast<std::int64_t>(asked.lengths.size() - before));
      asked.sources.push_back(static_cast<std::int64_t>(asked.nodes.size() - sources));
    }
    return asked;
  }

  /// The edges that are left to this rank.
  void keep(PartialPlan& plan) const {
    const std::int64_t owned = owners_.owned;
    const auto stays = [&](std::int32_t column) { return column < owned || place_[column] != kAbsent; };
    plan.csr.indptr = Array<std::int64_t>(static_cast<std::size_t>(owned) + 1, 0);
    for (std::int64_t row = 0; row < owned; ++row)
      plan.csr.indptr[row + 1] =
          plan.csr.indptr[row] + (rows_.wanted[row] ? std::ranges::count_if(rows_.csr.row(row), stays) : 0);
    plan.csr.indices = Array<std::int32_t>(static_cast<std::size_t>(plan.csr.indptr[owned]));
    plan.slots = Array<std::int32_t>(plan.csr.indices.size());
    for (std::int64_t row = 0; row < owned; ++row) {
      if (!rows_.wanted[row]) continue;
      const auto columns = rows_.csr.row(row);
      std::int64_t entry = plan.csr.indptr[row];
      for (std::size_t slot = 0; slot < columns.size(); ++slot) {
        const std::int32_t column = columns[slot];
        if (!stays(column)) continue;
        plan.csr.indices[entry] = column < owned ? column : static_cast<std::int32_t>(owned) + place_[column];
        plan.slots[entry++] = static_cast<std::int32_t>(slot);
      }
    }
  }

  Array<StoreId> ids_of(std::span<const GlobalId> sources) const {
    const auto owned = static_cast<std::size_t>(owners_.owned);
    Array<StoreId> ids(owned + sources.size());
    std::copy_n(rows_.ids.begin(), owned, ids.begin());
    for (std::size_t c = owned; c < place_.size(); ++c)
      if (place_[c] != kAbsent) ids[owned + static_cast<std::size_t>(place_[c])] = rows_.ids[c];
    return ids;
  }

 private:
  void ask(std::int32_t row, std::int32_t rank, Asked& asked) const {
    const std::size_t before = asked.nodes.size();
    const auto columns = rows_.csr.row(row);
    for (std::size_t slot = 0; slot < columns.size(); ++slot) {
      const std::int32_t column = columns[slot];
      if (cuts_.owner[column] != rank || place_[column] != kAbsent) continue;
      asked.nodes.push_back(halo_[static_cast<std::size_t>(column - owners_.owned)]);
      asked.slots.push_back(static_cast<std::int64_t>(slot));
      asked.ids.push_back(rows_.ids[column]);
    }
    if (asked.nodes.size() == before) return;
    asked.into.push_back(row);
    asked.lengths.push_back(static_cast<std::int64_t>(asked.nodes.size() - before));
    asked.labels.push_back(rows_.ids[row]);
  }

  const HaloPlanner::Owners& owners_;
  std::span<const GlobalId> halo_;
  const CutRows& rows_;
  CoveredCuts cuts_;
  std::vector<std::int32_t> place_;  ///< [owned + halo] among the sources that cross
};

/// The lists of partials and of the terms that go ahead of them, the other way.
void list(const Asked& asked, std::vector<std::int64_t> made_for, std::int64_t owned, PartialPlan& plan) {
  const std::int64_t made = std::accumulate(made_for.begin(), made_for.end(), std::int64_t{0});
  plan.partials = {.owned = made, .halo = std::ssize(asked.lengths)};
  plan.partials.counts = {.send = made_for, .receive = asked.partials};
  plan.partials.send_rows = numbers(made);
  plan.terms = {.owned = owned, .halo = made};
  plan.terms.counts = {.send = asked.partials, .receive = std::move(made_for)};
  plan.terms.send_rows = array_of(asked.into);
}

void tell(const HaloPlanner::Owners& owners, const Asked& asked, const CutRows& rows, bool slots,
          PartialPlan& plan) {
  RowExchange& exchange = owners.rows;
  std::vector<std::int64_t> made_for, sources;
  const Array<std::int64_t> lengths = told(exchange, asked.lengths, asked.partials, made_for);
  const Array<StoreId> labels = told(exchange, asked.labels, asked.partials, made_for);
  const Array<GlobalId> nodes = told(exchange, asked.nodes, asked.sources, sources);
  list(asked, std::move(made_for), owners.owned, plan);
  const auto owned = static_cast<std::size_t>(owners.owned);
  plan.partial_ids = joined<StoreId>(labels.span(), asked.labels);
  plan.term_ids = joined<StoreId>(rows.ids.first(owned), labels.span());

  plan.sent = {begins_of(lengths.span()), Array<std::int32_t>(nodes.size())};
  require(plan.sent.m() == nodes.ssize(), "a rank names the sources of every partial result it asks for",
          {{"sources", nodes.ssize()}, {"expected", plan.sent.m()}});
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::int64_t row = nodes[i].value() - owners.first;
    require(0 <= row && row < owners.owned, "a rank asks for partial results of rows that this rank owns",
            {{"row", row}, {"owned", owners.owned}});
    plan.sent.indices[i] = static_cast<std::int32_t>(row);
  }
  if (!slots) return;
  const Array<std::int64_t> places = told(exchange, asked.slots, asked.sources, sources);
  plan.sent_slots = Array<std::int32_t>(places.size());
  std::transform(places.begin(), places.end(), plan.sent_slots.begin(),
                 [](std::int64_t place) { return static_cast<std::int32_t>(place); });
}

/// Row i: the partials for destination i, in the order of the ranks.
Csr32 by_destination(const Asked& asked, std::int64_t owned) {
  Array<std::int64_t> begins(asked.into.size() + 1);
  std::iota(begins.begin(), begins.end(), std::int64_t{0});
  return transposed(CsrView<std::int32_t>{begins.span(), asked.into}, owned);
}

}  // namespace

PartialPlan reduced(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo, const CutRows& rows,
                    const CoverRule& rule, Crossing what) {
  PartialPlan plan;
  Receiver receiver(owners, halo, rows, rule);
  const std::vector<GlobalId> sources = receiver.sources();
  const Asked asked = receiver.partials();
  plan.rows = told_lists(owners, sources);
  plan.row_ids = receiver.ids_of(sources);
  receiver.keep(plan);
  tell(owners, asked, rows, what != Crossing::maxima, plan);
  plan.arriving = by_destination(asked, owners.owned);
  if (what == Crossing::maxima) {
    plan.part_begin = begins_of(asked.lengths);
    plan.parts = array_of(asked.ids);
    plan.slots = Array<std::int32_t>();
  }
  plan.sums = plan.partials.halo;
  plan.pairs = receiver.cuts().pairs;
  plan.least = receiver.cuts().least;
  return plan;
}

std::int64_t place_bytes_for(std::int64_t sources) {
  return sources <= std::int64_t{1} << 8 ? 1 : sources <= std::int64_t{1} << 16 ? 2 : 4;
}

std::vector<PartialMessage> messages_of(const HaloPass& pass, std::int64_t cols) {
  std::vector<PartialMessage> messages;
  const auto add = [&](HaloPart part, std::int64_t width) {
    messages.push_back({pass, width});
    messages.back().pass.part = part;
  };
  add(HaloPart::rows, cols);
  if (pass.what == Crossing::attention) add(HaloPart::terms, pass.heads);
  if (pass.what == Crossing::additive_attention) add(HaloPart::terms, cols);
  add(HaloPart::partials, cols);
  return messages;
}

std::int64_t tail_bytes(const HaloPass& pass, std::int64_t cols, std::int64_t place_bytes) {
  if (pass.part != HaloPart::partials) return 0;
  if (pass.what == Crossing::maxima) return pass.backward ? 0 : cols * place_bytes;
  return pass.heads * std::int64_t{sizeof(float)};
}

CoverCosts cover_costs(const StepExchange& exchange, const RowCost& row) {
  const double source = 2 * row.share * static_cast<double>(row.row_bytes);
  CoverCosts costs{.source = std::max<std::int64_t>(1, static_cast<std::int64_t>(source))};
  costs.destination = std::max<std::int64_t>(1, 2 * row.row_bytes);
  if (exchange.what == Crossing::sums || exchange.what == Crossing::rows) return costs;
  for (const bool backward : {false, true}) {
    const HaloPass pass{
        .backward = backward, .what = exchange.what, .heads = exchange.heads, .part = HaloPart::partials};
    costs.destination += tail_bytes(pass, exchange.cols, row.place_bytes);
    if (exchange.what == Crossing::attention)
      costs.destination += exchange.heads * std::int64_t{sizeof(float)};
    if (exchange.what == Crossing::additive_attention) costs.destination += row.row_bytes;
  }
  return costs;
}

}  // namespace kith::halo
