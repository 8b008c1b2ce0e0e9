// Pre-aggregation at the producer (DeepGalois, Hoang et al. 2021; FlexGraph, Wang et al. 2021; DistGNN's
// partial aggregates, Md et al. 2021): a rank makes of its nodes what they have for a destination elsewhere —
// their sum, their maximum, their mean by attention — and sends that, one row a pair of destination and rank.
// Fewer than halo rows where many sources meet in one destination.
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class PartialAggregates final : public HaloPlanner {
 public:
  HaloLists plan(const Owners& owners, std::span<const GlobalId> halo) override {
    return told_lists(owners, halo);
  }
  Cover cover() const override {
    return [](const Bipartite& cut) {
      return VertexCover{.rows = std::vector<bool>(static_cast<std::size_t>(cut.edges.n()), true),
                         .columns = std::vector<bool>(static_cast<std::size_t>(cut.columns))};
    };
  }
};

}  // namespace

std::unique_ptr<HaloPlanner> partial_aggregates() { return std::make_unique<PartialAggregates>(); }

}  // namespace kith::halo
