#include "kith/datasets/text/edge_lines.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "kith/datasets/text/real_number.h"

namespace kith::detail {
namespace {

std::string quoted(std::string_view field) {
  constexpr std::size_t kMost = 40;
  return fmt::format("\"{}\"{}", field.substr(0, kMost), field.size() > kMost ? "…" : "");
}

}  // namespace

std::string read_weight(std::string_view field, float& weight) {
  const std::optional<double> value = real_number(field);
  if (!value) return fmt::format("weight {} is not a number", quoted(field));
  weight = static_cast<float>(*value);
  return std::isfinite(weight) ? "" : fmt::format("weight {} is not finite in fp32", quoted(field));
}

std::string read_id(std::string_view field, std::int64_t& id) {
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), id);
  if (error == std::errc::result_out_of_range) return fmt::format("{} is out of range", quoted(field));
  if (error == std::errc{} && end == field.data() + field.size()) return "";
  return field.empty() ? "an id is missing" : fmt::format("{} is not a whole number", quoted(field));
}

LineEnds ends_of(std::string_view line, const EdgeFormat& format) {
  LineEnds ends;
  std::string_view field, rest = line, weight;
  std::int64_t column = 0;
  for (; next_field(rest, format.separator, field); ++column) {
    if (column == format.source) ends.source = field;
    if (column == format.destination) ends.destination = field;
    if (column == format.weight) weight = field;
  }
  if (column < format.columns)
    ends.why = fmt::format("{} columns, the first line has {}", column, format.columns);
  else if (column > format.columns)
    ends.why = fmt::format("more columns than the {} of the first line", format.columns);
  else if (ends.source.empty() || ends.destination.empty())
    ends.why = "an id is missing";
  else if (format.weight >= 0)
    ends.why = read_weight(weight, ends.weight);
  return ends;
}

}  // namespace kith::detail
