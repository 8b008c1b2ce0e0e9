#pragma once
#include <memory>

#include "kith/exec/halo/covered_cuts.h"
#include "kith/exec/layer_graph.h"

namespace kith {

/// How one exchange crosses in 1.5 dimensions, whose rows are only summed over neighbours by fixed weights:
/// all rows of a rank, as they go into sums, go to one rank of every group of ranks, and that one makes of
/// them the sums of its whole group.
struct ReplicatedPlan {
  HaloLists rows;  ///< .send_rows: this rank's, once for every group; .halo: all those of the ranks it hears
  HaloLists sums;  ///< .owned: those made here for the others of the group; .halo: those that they made
  Array<StoreId> row_ids, sum_ids;  ///< [.owned + .halo]; a sum has its destination's

  Csr32 csr;    ///< owned × (owned + arriving rows): the edges that are left to this rank
  Csr32 sent;   ///< sums made × (owned + arriving rows)
  Csr32 merge;  ///< owned × sums that arrive
  Csr32 each;   ///< owned × owned, the identity
  std::unique_ptr<LayerGraph> graph{}, sent_graph{}, merge_graph{};  ///< `csr` with its exchange, the others

  const HaloLists& lists(HaloPart part) const { return part == HaloPart::rows ? rows : sums; }
  std::span<const StoreId> ids(HaloPart part) const {
    return (part == HaloPart::rows ? row_ids : sum_ids).span();
  }
  /// The weights of sources [owned + arriving rows] behind those of the owned ones, which senders applied.
  Array<float> column_scale(std::span<const float> of_nodes) const;
};

namespace halo {

/// Of groups of `copies` consecutive ranks, whose number divides that of the ranks. Collective.
ReplicatedPlan replicated_plan(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo,
                               const CutRows& rows, int copies);

}  // namespace halo
}  // namespace kith
