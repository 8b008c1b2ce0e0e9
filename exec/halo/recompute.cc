// needed-rows, of which the first exchange leaves out what ranks compute themselves (recomputed.cc).
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class Recompute final : public HaloPlanner {
 public:
  explicit Recompute(std::int64_t most_edges) : most_edges_(most_edges) {}
  HaloLists plan(const Owners& owners, std::span<const GlobalId> halo) override {
    return told_lists(owners, halo);
  }
  bool prunes() const override { return true; }
  std::optional<std::int64_t> recomputes() const override { return most_edges_; }

 private:
  std::int64_t most_edges_;
};

}  // namespace

std::unique_ptr<HaloPlanner> recompute(double most_edges) {
  return std::make_unique<Recompute>(static_cast<std::int64_t>(most_edges));
}

}  // namespace kith::halo
