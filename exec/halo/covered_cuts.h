#pragma once
#include "kith/exec/halo/axes.h"
#include "kith/exec/halo/cut_edges.h"

namespace kith::halo {

/// A rank's rows whose edges a plan shares out.
struct CutRows {
  CsrView<std::int32_t> csr;     ///< owned × (owned + halo)
  std::span<const StoreId> ids;  ///< [owned + halo]
  std::vector<bool> wanted;      ///< [owned]: rows that count; the others stay without sources
};

/// How covers are chosen.
struct CoverRule {
  HaloPlanner::Cover cover = nullptr;
  CoverCosts costs;
};

/// The edges from every rank into the wanted rows, with a cover each.
struct CoveredCuts {
  std::vector<std::int32_t> owner;    ///< [owned + halo] the rank of a column; negative: this one
  std::vector<CutEdges> edges;        ///< by rank
  std::vector<VertexCover> covers;    ///< by rank; nothing where there are no edges
  std::int64_t pairs = 0, least = 0;  ///< ranks with edges; those with a cover of least cost
};
CoveredCuts covered_cuts(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo,
                         const CutRows& rows, const CoverRule& rule);

/// The most sources that a row has on one other rank, over all ranks. Collective.
std::int64_t most_sources_of_a_rank(const HaloPlanner::Owners& owners, std::span<const GlobalId> halo,
                                    CsrView<std::int32_t> csr);

}  // namespace kith::halo
