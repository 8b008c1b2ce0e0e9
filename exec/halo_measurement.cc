#include "kith/exec/halo_measurement.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace kith {
namespace {

/// Not a number beats any.
double worse(double a, double b) { return std::isnan(a) || a > b ? a : b; }

}  // namespace

double HaloMeasurement::Layer::largest() const { return worse(forward, backward); }

double largest_error(const HaloMeasurement& measurement) {
  double largest = 0;
  for (const HaloMeasurement::Layer& layer : measurement.layers) largest = worse(layer.largest(), largest);
  return largest;
}

std::string measured_text(const std::vector<HaloMeasurement>& measurements) {
  double error = 0, cosine = 1;
  for (const HaloMeasurement& each : measurements) {
    error = worse(largest_error(each), error);
    cosine = std::min(cosine, each.gradient_cosine);
  }
  if (measurements.empty()) return "not measured";
  const std::string halo =
      measurements.back().layers.empty() ? "not measured" : fmt::format("{:.3g} at most", error);
  std::string text = fmt::format("{}, gradient cosine {:.4f} at least, in {} measurement{}", halo, cosine,
                                 measurements.size(), measurements.size() == 1 ? "" : "s");
  for (const HaloMeasurement::Layer& layer : measurements.back().layers)
    if (!layer.encode.empty()) text += fmt::format(", layer {} now {}", layer.layer, layer.encode);
  return text;
}

}  // namespace kith
