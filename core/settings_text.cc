#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kith/core/error.h"
#include "kith/core/settings.h"

namespace kith {
namespace {

/// Edit distance with swaps of neighbours (optimal string alignment), by the usual table of prefixes.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

/// A TOML basic string.
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04x}", static_cast<int>(static_cast<unsigned char>(c)));
    else
      out += c;
  }
  return out + '"';
}

std::string toml_value(const Setting& setting, const std::string& text) {
  switch (setting.type) {
    case Setting::Type::boolean:
    case Setting::Type::integer:
    case Setting::Type::real: return text;
    case Setting::Type::integers: return "[" + text + "]";
    default: return toml_string(text);
  }
}

std::string type_text(const Setting& setting) {
  switch (setting.type) {
    case Setting::Type::boolean: return "true or false";
    case Setting::Type::integer: return "whole number";
    case Setting::Type::real: return "number";
    case Setting::Type::text: return "text";
    case Setting::Type::choice: return fmt::format("`{}`", fmt::join(setting.choices, "`, `"));
    case Setting::Type::integers: return "whole numbers";
    case Setting::Type::path: return "path";
  }
  return "";
}

std::string range_text(const Setting& setting) {
  if (setting.minimum && setting.maximum)
    return fmt::format(", {} to {}", *setting.minimum, *setting.maximum);
  if (setting.minimum) return fmt::format(", at least {}", *setting.minimum);
  if (setting.maximum) return fmt::format(", at most {}", *setting.maximum);
  return "";
}

std::string table_cell(std::string text) {
  for (std::size_t bar = 0; (bar = text.find('|', bar)) != text.npos; bar += 2) text.insert(bar, "\\");
  return text;
}

std::string table_row(const Setting& setting) {
  const std::string fallback = setting.fallback.empty() ? "" : "`" + setting.fallback + "`";
  return fmt::format("| `--{}` | {} | {} | {} | {} |\n", setting.name,
                     table_cell(type_text(setting) + range_text(setting)), table_cell(fallback),
                     fmt::join(setting.verbs, ", "), table_cell(setting.help));
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& known) {
  std::optional<std::string> nearest;
  std::size_t best = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const auto near = nearest_name(name, known);
  return near ? fmt::format("; did you mean \"{}\"?", *near) : "";
}

std::string nearest_or_all(std::string_view name, const std::vector<std::string>& known) {
  const auto near = nearest_name(name, known);
  return near ? fmt::format("did you mean {}?", *near) : fmt::format("one of {}", fmt::join(known, ", "));
}

std::string Settings::to_toml() const {
  std::string text;
  for (const auto& [name, value] : values_)
    text += fmt::format("{} = {}\n", name, toml_value(*schema_->find(name, verb_), value.text));
  return text;
}

std::string markdown_of(const Schema& schema) {
  std::map<std::string, std::string> tables;
  for (const Setting& setting : schema.all()) tables[setting.module] += table_row(setting);
  std::string text;
  for (const auto& [module, rows] : tables)
    text +=
        fmt::format("\n## {}\n\n| Setting | Values | Default | Verbs | Meaning |\n|---|---|---|---|---|\n{}",
                    module, rows);
  return text.empty() ? text : text.substr(1);
}

}  // namespace kith
