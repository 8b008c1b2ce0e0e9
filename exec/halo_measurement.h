#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace kith {

/// What a halo protocol lost in one step, over all ranks.
struct HaloMeasurement {
  /// ‖H̃ − H‖ / ‖H‖ of what an exchange brought, H being the same rows as they are and in time.
  struct Layer {
    int layer = 0;
    double forward = 0, backward = 0;
    std::string encode;  ///< what the layer takes; empty: what the protocol says
    double largest() const;
  };
  std::int64_t epoch = 0;      ///< from 1
  double gradient_cosine = 1;  ///< of the step's gradient to that of a step which loses nothing
  int passes = 1;              ///< until the bounds held
  std::vector<Layer> layers;
};

/// Of all layers and directions; not a number where one is none.
double largest_error(const HaloMeasurement& measurement);
/// What several come to, for a report: "0.043 at most, gradient cosine 0.981 at least, in 6 measurements".
std::string measured_text(const std::vector<HaloMeasurement>& measurements);

}  // namespace kith
