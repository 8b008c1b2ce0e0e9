// Of the halo, layer by layer, what a training reaches back to (receptive_field.cc): the same training, bit
// for bit, with fewer rows.
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class NeededRows final : public HaloPlanner {
 public:
  HaloLists plan(const Owners& owners, std::span<const GlobalId> halo) override {
    return told_lists(owners, halo);
  }
  bool prunes() const override { return true; }
};

}  // namespace

std::unique_ptr<HaloPlanner> needed_rows() { return std::make_unique<NeededRows>(); }

}  // namespace kith::halo
