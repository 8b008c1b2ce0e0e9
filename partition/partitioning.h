#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kith/core/array.h"
#include "kith/core/ids.h"
#include "kith/graph/csr.h"

namespace kith {

/// Which part each store node belongs to.
struct Partitioning {
  int k = 1;
  Array<Part> assignment;  ///< [n], by store id
};

/// A weight per node that every part should hold an equal share of ("nodes": all 1, "edges": in-degrees,
/// "train": 1 on train nodes).
struct BalanceConstraint {
  std::string name;
  Array<std::int32_t> weight;  ///< [n]
};

enum class CutObjective { cut, volume };

struct PartitionRequest {
  CsrAny graph;  ///< as stored: may be directed, with self-loops and isolated nodes
  int k = 2;
  CutObjective objective = CutObjective::cut;
  std::vector<BalanceConstraint> constraints = {};
  std::uint64_t seed = 0;
  /// The heaviest part may weigh 1 + imbalance times the mean, in every constraint (METIS strives, no
  /// promise).
  double imbalance = 0.03;
  int passes = 10;  ///< of the streaming partitioners over the nodes
};

/// The numbering of one partitioning: global ids are part-major, and within a part by ascending store id.
struct PartLayout {
  Array<std::int64_t> first;        ///< [k + 1]: part p owns global ids [first[p], first[p + 1])
  Array<StoreId> store_of_global;   ///< [n]
  Array<GlobalId> global_of_store;  ///< [n]

  int k() const { return static_cast<int>(first.size()) - 1; }
  Part part_of(GlobalId node) const;
};
PartLayout layout_of(const Partitioning& partitioning);

}  // namespace kith
