#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

/// Rows that need no arrivals are computed while the others are under way.
class Overlap final : public HaloSchedule {
 public:
  bool overlaps() const override { return true; }
};

}  // namespace

std::unique_ptr<HaloSchedule> schedule_overlap() { return std::make_unique<Overlap>(); }

}  // namespace kith::halo
