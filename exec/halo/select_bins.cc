// DistGNN's delayed rows (Md et al. 2021, cd-r): the halo is dealt into r bins, and at a step one bin
// crosses; rows of the others are what arrived last, r - 1 steps ago at most. At the first step every row
// crosses. A node's bin is its store id modulo r: both ends know it.
#include <map>

#include "kith/exec/halo/values.h"

namespace kith::halo {
namespace {

class Bins final : public HaloSelect {
 public:
  explicit Bins(double count) : count_(static_cast<std::int64_t>(count)) {}

  const HaloLists& select(const HaloLists& planned, const HaloNodes& nodes, const HaloPass& pass) override {
    const auto [first, fresh] = first_step_.try_emplace({pass.layer, pass.backward}, pass.step);
    if (count_ == 1 || fresh || first->second == pass.step) return planned;
    const std::int64_t bin = pass.step % count_;
    const auto [found, missing] = bins_.try_emplace({&planned, bin});
    if (missing)
      found->second = picked(planned, nodes, [&](StoreId id, Rank) { return id.value() % count_ == bin; });
    return found->second;
  }
  bool keeps_missing() const override { return count_ > 1; }

  void save(HaloState& state) const override {
    Matrix steps(std::ssize(first_step_), 2 + kNumberColumns);
    std::int64_t i = 0;
    for (const auto& [channel, step] : first_step_) {
      steps(i, 0) = static_cast<float>(channel.first);
      steps(i, 1) = channel.second ? 1.0f : 0.0f;
      write_number(step, steps.view().row(i++) + 2);
    }
    state.put("bins.first_step", steps);
  }
  void restore(const HaloState& state) override {
    const Matrix& steps = state.at("bins.first_step", 2 + kNumberColumns);
    for (std::int64_t i = 0; i < steps.rows(); ++i)
      first_step_[{static_cast<int>(steps(i, 0)), steps(i, 1) != 0}] =
          static_cast<std::uint32_t>(read_number(steps.view().row(i) + 2));
  }

 private:
  std::int64_t count_;
  std::map<std::pair<int, bool>, std::uint32_t> first_step_;
  std::map<std::pair<const HaloLists*, std::int64_t>, HaloLists> bins_;
};

}  // namespace

std::unique_ptr<HaloSelect> select_bins(double count) { return std::make_unique<Bins>(count); }

}  // namespace kith::halo
