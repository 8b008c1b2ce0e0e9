#pragma once
#include <string>
#include <vector>

namespace kith {

/// Nodes by degree, both axes logarithmic: bin i is of degrees [from, to].
struct DegreeBin {
  double from, to, nodes;
};
std::string degree_chart(const std::vector<DegreeBin>& bins);

/// Numbers as cells of a square: values[row][column], the darker the larger. The diagonal is left out of the
/// scale and drawn pale: it would hide the rest.
std::string heat_map(const std::vector<std::vector<double>>& values, const std::string& row_axis,
                     const std::string& column_axis);

}  // namespace kith
