#include "kith/datasets/text/real_number.h"

#include <charconv>
#include <cstdlib>
#include <string>

namespace kith {

std::optional<double> real_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const char* const last = text.data() + text.size();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (end != last || error == std::errc::invalid_argument) return std::nullopt;
  // from_chars does not tell too large from too small; strtod does, and is asked for such numbers only.
  if (error == std::errc::result_out_of_range) return std::strtod(std::string(text).c_str(), nullptr);
  return value;
}

}  // namespace kith
