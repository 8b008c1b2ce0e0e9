#pragma once
#include <span>
#include <vector>

#include "kith/partition/vertex_cover.h"

namespace kith::halo {

/// The edges from one owner's nodes into this one's rows, as a bipartite graph of those that have any.
struct CutEdges {
  std::vector<std::int32_t> rows, columns;  ///< which rows and columns of the whole graph; rows ascending
  std::vector<std::int64_t> indptr{0};
  std::vector<std::int32_t> indices;

  Bipartite graph() const { return {{indptr, indices}, std::ssize(columns)}; }
};

/// Where edges are cut.
struct Cut {
  CsrView<std::int32_t> csr;
  std::int64_t begin = 0, end = 0;      ///< of these rows
  const std::vector<bool>& wanted;      ///< [n] and of them, these
  std::span<const std::int32_t> owner;  ///< [columns]; negative: the rows' own
  std::int32_t owners = 0;
};
/// The edges into the rows, by their sources' owners 0 … owners − 1. O(edges).
std::vector<CutEdges> cut_edges(const Cut& cut);

}  // namespace kith::halo
