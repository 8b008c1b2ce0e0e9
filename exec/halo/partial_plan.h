#pragma once
#include <memory>
#include <vector>

#include "kith/exec/halo/covered_cuts.h"
#include "kith/exec/layer_graph.h"

namespace kith {

/// How one exchange crosses of which a destination gets a maximum, or a mean by attention: for every cut edge
/// its source's row, or its owner makes a partial result of the sources it has for the destination, which the
/// destination's rank merges with its own. Rows, partials and the destinations' terms of the scores are
/// messages of their own.
struct PartialPlan {
  HaloLists rows;  ///< of sources that cross as they are
  HaloLists
      partials;     ///< .owned: those made here for others, all of them, in order; .halo: those that arrive
  HaloLists terms;  ///< .send_rows: the destinations of partials that arrive; .halo: of those made here
  Array<StoreId> row_ids, partial_ids, term_ids;  ///< [.owned + .halo]; a partial has its destination's

  Csr32 csr;   ///< owned × (owned + arriving sources): the edges that are left to this rank
  Csr32 sent;  ///< partials made × owned
  Array<std::int32_t> slots,
      sent_slots;  ///< where the entries of both stand in their destination's whole row
  Csr32 arriving;  ///< owned × partials that arrive

  Array<std::int64_t> part_begin;  ///< [partials that arrive + 1] for maxima: where its sources begin
  Array<StoreId> parts;            ///< the sources that partials are made of
  std::int64_t place_bytes = 0;    ///< that tell one of a partial's

  std::int64_t sums = 0;              ///< partials that arrive
  std::int64_t pairs = 0, least = 0;  ///< ranks that this one receives from; those with a cover of least cost
  std::unique_ptr<LayerGraph> graph{}, sent_graph{};  ///< `csr` with its exchange, and `sent`

  std::int64_t made() const { return sent.n(); }
  /// The destination of every partial that arrives.
  std::span<const std::int32_t> into() const { return terms.send_rows.span(); }
  const HaloLists& lists(HaloPart part) const {
    return part == HaloPart::rows ? rows : part == HaloPart::partials ? partials : terms;
  }
  std::span<const StoreId> ids(HaloPart part) const {
    return (part == HaloPart::rows ? row_ids : part == HaloPart::partials ? partial_ids : term_ids).span();
  }
};

namespace halo {

/// By a cover for every rank that this one hears from, told to that rank. `what` is no sum. Collective.
PartialPlan reduced(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo, const CutRows& rows,
                    const CoverRule& rule, Crossing what);

/// Enough to number `sources`: 1, 2 or 4.
std::int64_t place_bytes_for(std::int64_t sources);

/// One of the messages of a pass, `cols` numbers a row.
struct PartialMessage {
  HaloPass pass;
  std::int64_t cols = 0;
};
/// Those of a pass over a plan of partials whose rows have `cols` columns.
std::vector<PartialMessage> messages_of(const HaloPass& pass, std::int64_t cols);

/// What goes with the numbers of a partial as it is: of attention, a log-sum for every head (backward: a
/// product of gradient and output); of a maximum, which source each column is of.
std::int64_t tail_bytes(const HaloPass& pass, std::int64_t cols, std::int64_t place_bytes);

/// What both ends of an edge cost in bytes, both directions, where a row is `row_bytes` and of a source
/// `share` of it crosses.
struct RowCost {
  std::int64_t row_bytes = 0;
  double share = 1;
  std::int64_t place_bytes = 0;
};
CoverCosts cover_costs(const StepExchange& exchange, const RowCost& row);

}  // namespace halo
}  // namespace kith
