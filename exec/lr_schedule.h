#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace kith {

/// The learning rate over time: a pure function of the epoch, so a resumed run goes on with the same one.
struct LrSchedule {
  std::string name = "constant";  ///< constant | cosine | step
  std::int64_t step = 100;        ///< step: epochs between steps
  double gamma = 0.5;             ///< step: the factor of each
  double warmup = 0;              ///< epochs, before which the rate rises linearly

  static std::vector<std::string> names() { return {"constant", "cosine", "step"}; }
  /// The factor of the base rate of a step that begins at `epoch` (0 is the first; fractions inside an epoch)
  /// of `epochs`. Warm-up multiplies: its steps at epoch e have (e + 1) / warmup, at most 1.
  double scale(double epoch, std::int64_t epochs) const;
};

}  // namespace kith
