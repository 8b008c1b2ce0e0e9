#pragma once
#include <cmath>

namespace kith {

/// Expected degrees of exponent 2.5 with an upper bound, as a function of a node's quantile x in [0, 1):
/// share(x) ∝ (x + x₀)^(−2/3), mean 1 and share(0) = `peak`. The integral of the share is a cube root, so a
/// node drawn in proportion to it is a cube: no tables, O(1).
class PowerLaw {
 public:
  /// `peak` > 1: the largest share. x₀ is found by bisection; share(0) falls from ∞ to 1 as x₀ grows.
  explicit PowerLaw(double peak) {
    double low = 1e-15, high = 1e6;
    for (int step = 0; step < 200; ++step) {
      const double middle = std::sqrt(low * high);
      set(middle);
      (share(0) > peak ? low : high) = middle;
    }
    set(high);
  }

  double share(double x) const { return 1 / (3 * (top_ - bottom_) * std::cbrt((x + shift_) * (x + shift_))); }
  /// The quantile below which the fraction u of all edge ends lies.
  double quantile(double u) const {
    const double root = bottom_ + u * (top_ - bottom_);
    return root * root * root - shift_;
  }

 private:
  void set(double shift) {
    shift_ = shift;
    bottom_ = std::cbrt(shift);
    top_ = std::cbrt(1 + shift);
  }
  double shift_ = 0, bottom_ = 0, top_ = 1;
};

}  // namespace kith
