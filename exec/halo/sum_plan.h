#pragma once
#include <memory>

#include "kith/exec/halo/covered_cuts.h"
#include "kith/exec/layer_graph.h"

namespace kith {

/// How one exchange crosses whose rows are only summed over neighbours by fixed weights. What a rank sends
/// are sums of its own rows, many of them of one row alone; what arrives stands behind the receiver's own
/// rows, as sources of weight one.
struct SumPlan {
  HaloLists lists;        ///< .owned: the rows sent, all of them, in order; .halo: the rows that arrive
  Array<StoreId> ids;     ///< [sent + arriving]: of a row alone its node's, of a sum its destination's
  Csr32 sent;             ///< sent × owned: the rows summed
  Csr32 sent_by_row;      ///< its transpose
  Csr32 csr;              ///< owned × (owned + arriving)
  std::int64_t sums = 0;  ///< of the rows that arrive, those of more than one
  std::int64_t pairs = 0, least = 0;  ///< ranks that this one receives from; those with a cover of least cost
  /// Over all ranks: the rows that arrive, sums among them, and the rows that would cross without a plan.
  double all_rows = 0, all_sums = 0, all_sources = 0;
  /// Whether it is worth it where a row that is no sum costs such a share of itself, and a sum all of it.
  bool pays(double share) const {
    return (all_rows - all_sums) * share + all_sums <= all_sources * share || share == 1;
  }
  std::unique_ptr<LayerGraph> graph{};  ///< `csr` with its exchange

  /// The weights of sources [owned + arriving] behind those of the owned ones.
  Array<float> column_scale(std::span<const float> of_nodes) const;
};

namespace halo {

/// By a cover for every rank that this one hears from, told to that rank. Collective.
SumPlan summed(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo, const CutRows& rows,
               const CoverRule& rule);

}  // namespace halo
}  // namespace kith
