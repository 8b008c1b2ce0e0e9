// Between two ranks every cut edge needs its source's row to cross, or a partial result for its destination:
// the fewest bytes are a minimum vertex cover of the cut edges, weighted by what both cost (SuperGCN, Zhuang
// et al. 2025, for sums, where they cost the same). Only of edges that a training reaches back to.
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
  bool weighs() const override { return true; }
};

}  // namespace

std::unique_ptr<HaloPlanner> minimum_cover() { return std::make_unique<MinimumCover>(); }

}  // namespace kith::halo
