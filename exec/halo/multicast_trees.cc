#include "kith/exec/halo/multicast_trees.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

namespace kith::halo {
namespace {

/// What links are to carry, stage by stage.
class Loads {
 public:
  explicit Loads(const TreeLinks& links) : links_(links) {}

  /// What rows over an edge cost: how much longer its stage takes, then how busy its links become, so that
  /// equals are spread.
  std::pair<double, double> cost(const TreeEdge& edge, std::int64_t rows) const {
    double busiest = 0;
    for (const Link& link : links_of(edge))
      busiest = std::max(busiest, load(edge.stage, link) + time(link, rows));
    const double now = stage_time(edge.stage);
    return {std::max(0.0, busiest - now), busiest};
  }

  void add(const TreeEdge& edge, std::int64_t rows) {
    if (std::ssize(loads_) <= edge.stage) loads_.resize(static_cast<std::size_t>(edge.stage) + 1);
    Stage& stage = loads_[static_cast<std::size_t>(edge.stage)];
    for (const Link& link : links_of(edge))
      stage.busiest = std::max(stage.busiest, stage.loads[link] += time(link, rows));
  }

  double total() const {
    double sum = 0;
    for (const Stage& stage : loads_) sum += stage.busiest;
    return sum;
  }

 private:
  enum class Kind { within, out, in };
  using Link = std::tuple<Kind, int, int>;  ///< of two ranks, or of a host
  struct Stage {
    std::map<Link, double> loads;
    double busiest = 0;
  };

  std::vector<Link> links_of(const TreeEdge& edge) const {
    const int from = links_.host[static_cast<std::size_t>(edge.from)],
              to = links_.host[static_cast<std::size_t>(edge.to)];
    if (from == to) return {{Kind::within, edge.from, edge.to}};
    return {{Kind::out, from, 0}, {Kind::in, to, 0}};
  }
  double time(const Link& link, std::int64_t rows) const {
    return static_cast<double>(rows) * (std::get<0>(link) == Kind::within ? links_.within_host : 1);
  }
  double load(int stage, const Link& link) const {
    if (stage >= std::ssize(loads_)) return 0;
    const auto& loads = loads_[static_cast<std::size_t>(stage)].loads;
    const auto found = loads.find(link);
    return found == loads.end() ? 0 : found->second;
  }
  double stage_time(int stage) const {
    return stage < std::ssize(loads_) ? loads_[static_cast<std::size_t>(stage)].busiest : 0;
  }

  const TreeLinks& links_;
  std::vector<Stage> loads_;
};

/// A rank that a tree has reached, and the first stage in which it can send.
struct Reached {
  int rank, stage;
};

std::vector<TreeEdge> grown(const MulticastGroup& group, Loads& loads) {
  std::vector<Reached> reached{{group.owner, 0}};
  std::vector<int> open = group.needed_by;
  std::vector<TreeEdge> tree;
  while (!open.empty()) {
    TreeEdge best;
    auto least = std::tuple(std::numeric_limits<double>::infinity(), 0.0, 0);
    for (const Reached& from : reached) {
      for (const int to : open) {
        const TreeEdge edge{from.rank, to, from.stage};
        const auto [longer, busy] = loads.cost(edge, group.rows);
        if (const auto cost = std::tuple(longer, busy, edge.stage); cost < least) {
          least = cost;
          best = edge;
        }
      }
    }
    loads.add(best, group.rows);
    tree.push_back(best);
    reached.push_back({best.to, best.stage + 1});
    std::erase(open, best.to);
  }
  return tree;
}

}  // namespace

std::vector<std::vector<TreeEdge>> multicast_trees(const TreeLinks& links,
                                                   std::span<const MulticastGroup> groups) {
  Loads loads(links);
  std::vector<std::vector<TreeEdge>> trees;
  for (const MulticastGroup& group : groups) trees.push_back(grown(group, loads));
  std::vector<std::vector<TreeEdge>> stars;
  for (const MulticastGroup& group : groups) {
    stars.emplace_back();
    for (const int rank : group.needed_by) stars.back().push_back({group.owner, rank, 0});
  }
  return time_of(links, groups, stars) <= loads.total() ? stars : trees;
}

double time_of(const TreeLinks& links, std::span<const MulticastGroup> groups,
               std::span<const std::vector<TreeEdge>> trees) {
  Loads loads(links);
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (const TreeEdge& edge : trees[g]) loads.add(edge, groups[g].rows);
  return loads.total();
}

}  // namespace kith::halo
