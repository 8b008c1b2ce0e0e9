// BNS-GCN (Wan et al. 2022): at every step each rank keeps a halo node with probability p and drops the
// others; what is kept is multiplied by 1 / p, so that sums over neighbours are unbiased. One draw a step
// serves all layers and both directions. A draw is a function of the node, the receiver and the step, so that
// nobody sends a list.
#include <array>
#include <map>

#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class Boundary final : public HaloSelect {
 public:
  explicit Boundary(double probability)
      : probability_(probability), least_(static_cast<std::uint64_t>(probability * 0x1p32)) {}

  const HaloLists& select(const HaloLists& planned, const HaloNodes& nodes, const HaloPass& pass) override {
    if (probability_ == 1) return planned;
    Draws& draws = draws_[&planned];
    if (draws.latest().any && draws.latest().step == pass.step) return draws.latest().lists;
    Drawn& drawn = draws.next();
    drawn = {true, pass.step, picked(planned, nodes, [&](StoreId id, Rank receiver) {
               const PhiloxKey key =
                   philox_key(nodes.seed, Stream::boundary, static_cast<std::uint64_t>(receiver.value()));
               return draw_words(key, id, pass.step, 0)[0] < least_;
             })};
    drawn.lists.scale = probability_ > 0 ? static_cast<float>(1 / probability_) : 1;
    return drawn.lists;
  }
  bool drops_rows() const override { return probability_ < 1; }

 private:
  struct Drawn {
    bool any = false;
    std::uint32_t step = 0;
    HaloLists lists;
  };
  /// The step before may still be under way, so its lists stay where they are.
  struct Draws {
    std::array<Drawn, 2> drawn;
    std::size_t last = 0;
    const Drawn& latest() const { return drawn[last]; }
    Drawn& next() { return drawn[last = 1 - last]; }
  };
  double probability_;
  std::uint64_t least_;  ///< of 2³²
  std::map<const HaloLists*, Draws> draws_;
};

}  // namespace

std::unique_ptr<HaloSelect> select_boundary(double probability) {
  return std::make_unique<Boundary>(probability);
}

}  // namespace kith::halo
