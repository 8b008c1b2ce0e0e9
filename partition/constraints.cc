#include "kith/partition/constraints.h"

#include <algorithm>
#include <limits>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/core/settings.h"

namespace kith {
namespace {

const std::vector<std::string>& known_names() {
  static const std::vector<std::string> names{"nodes", "edges", "train", "valid", "test"};
  return names;
}

void check_name(const std::string& name, const std::vector<std::string>& before) {
  if (std::find(known_names().begin(), known_names().end(), name) == known_names().end())
    throw InputError("balance: \"" + name + "\" is none of nodes, edges, train, valid, test" +
                     did_you_mean(name, known_names()));
  if (std::find(before.begin(), before.end(), name) != before.end())
    throw InputError("balance: \"" + name + "\" is given twice");
}

}  // namespace

BalanceConstraint nodes_constraint(std::int64_t nodes) {
  return {"nodes", Array<std::int32_t>(static_cast<std::size_t>(nodes), 1)};
}

BalanceConstraint edges_constraint(const CsrAny& graph) {
  BalanceConstraint constraint{"edges", Array<std::int32_t>(static_cast<std::size_t>(graph.n()))};
  parallel_for(0, graph.n(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    for (std::int64_t v = begin; v < end; ++v)
      constraint.weight[v] =
          static_cast<std::int32_t>(std::min(graph.indptr[v + 1] - graph.indptr[v], kMost));
  });
  return constraint;
}

BalanceConstraint subset_constraint(std::string name, std::span<const std::int64_t> ids, std::int64_t nodes) {
  BalanceConstraint constraint{std::move(name), Array<std::int32_t>(static_cast<std::size_t>(nodes), 0)};
  for (const std::int64_t id : ids) {
    if (id < 0 || id >= nodes)
      throw CorruptError(with_facts("a split names a node that is not in the graph",
                                    {{"split", constraint.name}, {"node", id}, {"nodes", nodes}}));
    constraint.weight[id] = 1;
  }
  return constraint;
}

std::vector<std::string> balance_names(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    std::string name = list.substr(begin, end - begin);
    check_name(name, names);
    names.push_back(std::move(name));
    begin = end + 1;
  }
  return names;
}

std::vector<BalanceConstraint> balance_constraints(const std::string& list, const CsrAny& graph,
                                                   const SplitSpans& splits) {
  std::vector<BalanceConstraint> constraints;
  for (std::string& name : balance_names(list)) {
    if (name == "nodes") constraints.push_back(nodes_constraint(graph.n()));
    if (name == "edges") constraints.push_back(edges_constraint(graph));
    if (name == "train") constraints.push_back(subset_constraint(name, splits.train, graph.n()));
    if (name == "valid") constraints.push_back(subset_constraint(name, splits.valid, graph.n()));
    if (name == "test") constraints.push_back(subset_constraint(name, splits.test, graph.n()));
  }
  return constraints;
}

}  // namespace kith
