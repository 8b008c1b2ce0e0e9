#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/sampler/byte_size.h"
#include "kith/sampler/cache.h"

namespace kith {
namespace {

/// A finite number ≥ 0 that fills all of `text`.
std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= 0) || value > 1e18) return {};
  return value;
}

struct Unit {
  std::string_view name;
  double bytes;
};
constexpr Unit kUnits[] = {{"TiB", 0x1p40}, {"GiB", 0x1p30}, {"MiB", 0x1p20}, {"KiB", 0x1p10}, {"TB", 1e12},
                           {"GB", 1e9},     {"MB", 1e6},     {"KB", 1e3},     {"B", 1}};

std::optional<double> byte_size(std::string_view text) {
  for (const Unit& unit : kUnits)
    if (text.ends_with(unit.name)) {
      const auto count = number(text.substr(0, text.size() - unit.name.size()));
      if (!count || *count * unit.bytes > 1e18) return {};
      return *count * unit.bytes;
    }
  return {};
}

bool parse_size(std::string_view text, CacheSpec& spec) {
  if (text.ends_with('%')) {
    const auto percent = number(text.substr(0, text.size() - 1));
    if (percent) spec.fraction = *percent / 100;
    return percent.has_value();
  }
  if (const auto bytes = byte_size(text)) {
    spec.bytes = static_cast<std::int64_t>(*bytes);
    return true;
  }
  const auto rows = number(text);
  if (!rows || *rows != std::floor(*rows)) return false;
  spec.rows = static_cast<std::int64_t>(*rows);
  return true;
}

}  // namespace

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  const std::optional<double> bytes = byte_size(text);
  return bytes ? std::optional(static_cast<std::int64_t>(*bytes)) : std::nullopt;
}

CacheSpec parse_cache_spec(const std::string& text) {
  const std::size_t colon = text.find(':');
  CacheSpec spec{.policy = text.substr(0, colon)};
  const std::vector<std::string> known = cache_policies();
  if (std::find(known.begin(), known.end(), spec.policy) == known.end())
    throw InputError(fmt::format("cache \"{}\": unknown policy \"{}\"; known: {}", text, spec.policy,
                                 fmt::join(known, ", ")));
  if (spec.policy == "none" && colon == std::string::npos) return spec;
  if (colon == std::string::npos || !parse_size(std::string_view(text).substr(colon + 1), spec))
    throw InputError(fmt::format(
        "cache \"{}\": a size follows the policy, as in {}:10% (of n/P rows), {}:50000 (rows) or {}:2GiB",
        text, spec.policy, spec.policy, spec.policy));
  return spec;
}

std::int64_t cache_rows(const CacheSpec& spec, std::int64_t nodes, int ranks, std::int64_t row_bytes) {
  if (spec.policy == "none") return 0;
  double rows = 0;
  if (spec.fraction >= 0)
    rows = spec.fraction * static_cast<double>(nodes) / ranks;
  else if (spec.rows >= 0)
    rows = static_cast<double>(spec.rows);
  else if (spec.bytes >= 0 && row_bytes > 0)
    rows = static_cast<double>(spec.bytes / row_bytes);
  return static_cast<std::int64_t>(std::min(rows, static_cast<double>(nodes)));
}

}  // namespace kith
