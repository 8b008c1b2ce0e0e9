// Between two ranks every cut edge needs its source's row to cross, or a sum for its destination: the fewest
// rows are a minimum vertex cover of the cut edges (SuperGCN, Zhuang et al. 2025). Only of edges that a
// training reaches back to.
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class MinimumCover final : public HaloPlanner {
 public:
  HaloLists plan(const Owners& owners, std::span<const GlobalId> halo) override {
    return told_lists(owners, halo);
  }
  bool prunes() const override { return true; }
  Cover cover() const override {
    return [](const Bipartite& cut) { return vertex_cover(cut); };
  }
};

}  // namespace

std::unique_ptr<HaloPlanner> minimum_cover() { return std::make_unique<MinimumCover>(); }

}  // namespace kith::halo
