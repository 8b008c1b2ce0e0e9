#include "kith/exec/halo/cut_edges.h"

namespace kith::halo {

std::vector<CutEdges> cut_edges(const Cut& cut) {
  constexpr std::int32_t kNew = -1;
  std::vector<CutEdges> all(static_cast<std::size_t>(cut.owners));
  std::vector<std::int32_t> place(cut.owner.size(), kNew);
  for (std::int64_t row = cut.begin; row < cut.end; ++row) {
    if (!cut.wanted[row]) continue;
    for (const std::int32_t column : cut.csr.row(row)) {
      if (cut.owner[column] < 0) continue;
      CutEdges& edges = all[cut.owner[column]];
      if (edges.rows.empty() || edges.rows.back() != row) {
        edges.rows.push_back(static_cast<std::int32_t>(row));
        edges.indptr.push_back(edges.indptr.back());
      }
      if (place[column] == kNew) {
        place[column] = static_cast<std::int32_t>(edges.columns.size());
        edges.columns.push_back(column);
      }
      edges.indices.push_back(place[column]);
      ++edges.indptr.back();
    }
  }
  return all;
}

}  // namespace kith::halo
