// Column split: every rank has the whole graph, gets its share of the columns of every node's row, aggregates
// these with all edges and gives the rows back (NeutronTP, 2024, whose communication this is). Two exchanges
// of all rows with all ranks take the place of a halo: what crosses does not depend on the cut, and every
// rank has the same work.
#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class ColumnSplit final : public HaloPlanner {
 public:
  /// Of evaluation, which sends rows.
  HaloLists plan(const Owners& owners, std::span<const GlobalId> halo) override {
    return told_lists(owners, halo);
  }
  bool splits_columns() const override { return true; }
};

}  // namespace

std::unique_ptr<HaloPlanner> tensor() { return std::make_unique<ColumnSplit>(); }

}  // namespace kith::halo
