// The room that there must be before something looser is tried keeps a layer from going to and fro: its
// error, grown by as much as the looser encoding usually loses more, within half of the bound, and the
// gradient within half of the angle's. What was tried in vain goes back within the same step, so that a bound
// that is exceeded never reaches the weights at a measured step. The last encoding loses nothing, so every
// walk ends.
#include "kith/exec/error_budget.h"

#include "kith/core/error.h"

namespace kith {
namespace {

constexpr double kAmple = 0.5;
constexpr double kRounding = 1e-9;  ///< of a cosine that is 1

}  // namespace

BudgetWalk::BudgetWalk(const ErrorBounds& bounds, std::vector<double> usual)
    : bounds_(bounds), usual_(std::move(usual)) {
  require(!usual_.empty() && usual_.back() == 0, "a ladder ends with what loses nothing", {});
}

bool BudgetWalk::tighten(const Measured& measured, std::vector<int>& rungs) const {
  bool changed = false;
  std::size_t worst = rungs.size();
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    if (rungs[i] == top()) continue;
    if (worst == rungs.size() || measured.errors[i] > measured.errors[worst]) worst = i;
    // What is no number is no error within a bound either.
    if (measured.errors[i] <= bounds_.error) continue;
    ++rungs[i];
    changed = true;
  }
  if (changed || worst == rungs.size() || measured.cosine >= bounds_.cosine - kRounding) return changed;
  ++rungs[worst];
  return true;
}

bool BudgetWalk::loosen(const Measured& measured, std::vector<int>& rungs) const {
  if (!(1 - measured.cosine <= kAmple * (1 - bounds_.cosine) + kRounding)) return false;
  bool changed = false;
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    if (rungs[i] == 0) continue;
    const auto rung = static_cast<std::size_t>(rungs[i]);
    const double looser =
        rungs[i] == top() ? usual_[rung - 1] : measured.errors[i] * usual_[rung - 1] / usual_[rung];
    if (!(looser <= kAmple * bounds_.error)) continue;
    --rungs[i];
    changed = true;
  }
  return changed;
}

bool BudgetWalk::goes_on(const Measured& measured, std::vector<int>& rungs) {
  require(measured.errors.size() == rungs.size(), "every layer was measured",
          {{"errors", measured.errors.size()}, {"layers", rungs.size()}});
  const bool first = first_;
  first_ = false;
  return tighten(measured, rungs) || (first && loosen(measured, rungs));
}

}  // namespace kith
