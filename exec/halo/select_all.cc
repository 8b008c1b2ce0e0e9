#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class SelectAll final : public HaloSelect {
 public:
  const HaloLists& select(const HaloLists& planned, const HaloNodes&, const HaloPass&) override {
    return planned;
  }
};

}  // namespace

std::unique_ptr<HaloSelect> select_all() { return std::make_unique<SelectAll>(); }

}  // namespace kith::halo
