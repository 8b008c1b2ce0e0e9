#pragma once
#include <string>
#include <vector>

#include "kith/partition/partitioning.h"

namespace kith {

struct Balance {
  std::string name;
  double minimum = 0, mean = 0, maximum = 0;  ///< sum of the weight per part
  double imbalance() const { return mean > 0 ? maximum / mean : 1; }
};

/// How good a partitioning is. Edges count once per stored direction unless said otherwise.
struct Quality {
  std::int64_t cut_edges = 0;  ///< stored edges whose ends lie in two parts
  double cut_fraction = 0;     ///< of all stored edges
  std::int64_t communication_volume =
      0;  ///< Σ over parts of halo rows = Σ_v |{other parts v's out-edges reach}|
  std::vector<std::int64_t> halo_rows = {};  ///< [k]
  std::vector<Balance> balances = {};        ///< nodes, edges, and one per constraint
  int empty_parts = 0;
};
Quality quality_of(const CsrAny& graph, const Partitioning& partitioning,
                   const std::vector<BalanceConstraint>& constraints);

/// For the terminal, one line a figure: cut, volume, halo rows and balances (minimum, mean, maximum), empty
/// parts.
std::string table_of(const Quality& quality);

}  // namespace kith
