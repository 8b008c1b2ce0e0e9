#pragma once
#include <cstdint>
#include <vector>

namespace kith {

/// What a halo protocol may lose.
struct ErrorBounds {
  double error = 0;   ///< the most of ‖H̃ − H‖ / ‖H‖, of each layer and direction
  double cosine = 0;  ///< the least of the gradient's to the exact one
};

/// What the passes of one measured step say of the encodings that layers take, out of one ladder. A step is
/// taken again, with the next more exact encoding where a bound is exceeded, until both hold; where they hold
/// at once and there is ample room, a less exact one is tried first.
class BudgetWalk {
 public:
  /// `usual`: what the ladder's encodings usually lose, the last one nothing.
  BudgetWalk(const ErrorBounds& bounds, std::vector<double> usual);

  /// What was measured, by layer.
  struct Measured {
    std::vector<double> errors;
    double cosine = 1;
  };
  /// Whether the step is to be taken again, with these encodings of the layers.
  bool goes_on(const Measured& measured, std::vector<int>& rungs);

 private:
  int top() const { return static_cast<int>(usual_.size()) - 1; }
  bool tighten(const Measured& measured, std::vector<int>& rungs) const;
  bool loosen(const Measured& measured, std::vector<int>& rungs) const;

  ErrorBounds bounds_;
  std::vector<double> usual_;
  bool first_ = true;
};

}  // namespace kith
