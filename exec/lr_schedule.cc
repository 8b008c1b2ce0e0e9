#include "kith/exec/lr_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kith {

double LrSchedule::scale(double epoch, std::int64_t epochs) const {
  double factor = 1;
  if (name == "cosine" && epochs > 0)
    factor = 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, epoch / static_cast<double>(epochs))));
  if (name == "step") factor = std::pow(gamma, std::floor(epoch / static_cast<double>(step)));
  return warmup > 0 ? factor * std::min(1.0, (epoch + 1) / warmup) : factor;
}

}  // namespace kith
