#pragma once
#include <optional>
#include <string_view>

namespace kith {

/// The number that a whole text is, in double precision: ±infinity where it is too large and ±0 where it is
/// too small for that; nothing when it is no number. A leading + is allowed; nan and inf are numbers.
std::optional<double> real_number(std::string_view text);

}  // namespace kith
