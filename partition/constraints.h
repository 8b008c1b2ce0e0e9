#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kith/partition/partitioning.h"

namespace kith {

/// The store ids of the three splits; any may be empty.
struct SplitSpans {
  std::span<const std::int64_t> train = {}, valid = {}, test = {};
};

/// Every node weighs 1.
BalanceConstraint nodes_constraint(std::int64_t nodes);
/// A node weighs its in-degree, which is what aggregating it costs.
BalanceConstraint edges_constraint(const CsrAny& graph);
/// The given nodes weigh 1, the others 0. Throws CorruptError on an id outside [0, nodes).
BalanceConstraint subset_constraint(std::string name, std::span<const std::int64_t> ids, std::int64_t nodes);

/// The names in "nodes,edges,train" (also valid, test), in order. Throws InputError on an unknown or repeated
/// one.
std::vector<std::string> balance_names(const std::string& list);
/// Their constraints.
std::vector<BalanceConstraint> balance_constraints(const std::string& list, const CsrAny& graph,
                                                   const SplitSpans& splits);

}  // namespace kith
