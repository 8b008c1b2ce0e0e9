#include "kith/datasets/external/memory_budget.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>
#include <sys/resource.h>

#include "kith/core/error.h"
#include "kith/core/host.h"

namespace kith {
namespace {

struct Unit {
  std::string_view name;
  double bytes;
};
constexpr Unit kUnits[] = {{"", 1},         {"B", 1},      {"K", 0x1p10},   {"KIB", 0x1p10}, {"M", 0x1p20},
                           {"MIB", 0x1p20}, {"G", 0x1p30}, {"GIB", 0x1p30}, {"T", 0x1p40},   {"TIB", 0x1p40},
                           {"KB", 1e3},     {"MB", 1e6},   {"GB", 1e9},     {"TB", 1e12}};

std::int64_t own_limit(int resource, std::int64_t otherwise) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return otherwise;
  return static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, static_cast<rlim_t>(otherwise)));
}

}  // namespace

std::int64_t bytes_of_text(const std::string& text, const char* setting) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string unit;
  for (const char* c = end; c < text.data() + text.size(); ++c)
    if (*c != ' ') unit += static_cast<char>(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
  for (const Unit& known : kUnits)
    if (error == std::errc{} && known.name == unit && value > 0 && value * known.bytes < 0x1p62)
      return static_cast<std::int64_t>(value * known.bytes);
  throw InputError(fmt::format("--{} {}: a size is expected, as 2G or 512M", setting, text));
}

std::int64_t memory_budget(std::int64_t limit) {
  if (limit > 0) return limit;
  // Of an address space, stacks, libraries and what allocators reserve take a part that is never touched.
  constexpr std::int64_t kReserved = std::int64_t{384} << 20;
  const std::int64_t space = own_limit(RLIMIT_AS, std::numeric_limits<std::int64_t>::max());
  const std::int64_t data = own_limit(RLIMIT_DATA, memory_limit_bytes());
  return std::min(data / 5 * 4, std::max(space / 8, space - kReserved));
}

}  // namespace kith
