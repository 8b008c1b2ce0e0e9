#include "kith/datasets/import/node_columns.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/import/text_lines.h"

namespace kith {
namespace {

constexpr std::size_t kNamesShown = 200;

/// The end of the field that begins at `begin`.
std::size_t field_end(std::string_view line, std::size_t begin, char separator) {
  const std::size_t first = line.find_first_not_of(' ', begin);
  if (first != std::string_view::npos && line[first] == '"') {
    const std::size_t quote = line.find('"', first + 1);
    if (quote == std::string_view::npos)
      throw LineFault{line.data() + first, "a quote is not closed on its line"};
    begin = quote;
  }
  return std::min(separator == ' ' ? line.find_first_of(" \t", begin) : line.find(separator, begin),
                  line.size());
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {text.data(), 0};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

void split_line(std::string_view line, char separator, Fields& fields) {
  fields.clear();
  if (separator == ' ') line = trimmed(line);
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = field_end(line, begin, separator);
    std::string_view field = trimmed(line.substr(begin, end - begin));
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"')
      field = field.substr(1, field.size() - 2);
    fields.push_back(field);
    if (end == line.size()) return;
    begin = end + 1;
    if (separator == ' ') begin = line.find_first_not_of(" \t", begin);
  }
}

char separator_of(std::string_view header) {
  for (const char c : {'\t', ',', ';', '|'})
    if (header.find(c) != std::string_view::npos) return c;
  return ' ';
}

bool is_blank_or_comment(std::string_view line) {
  const std::string_view text = trimmed(line);
  return text.empty() || text.front() == '#' || text.front() == '%';
}

NodeColumns::NodeColumns(std::string where, std::vector<std::string> names)
    : where_(std::move(where)), names_(std::move(names)) {
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < names_.size(); ++i)
    if (const auto [at, fresh] = seen.emplace(names_[i], i); !fresh)
      throw InputError(fmt::format("{}:1: column \"{}\" stands twice ({} and {})", where_, names_[i],
                                   at->second + 1, i + 1));
}

NodeRoles NodeColumns::roles(const NodeTableOptions& options) const {
  NodeRoles roles;
  roles.id = single("--node-id", options.id, {"id", "node", "node_id", "nid"});
  roles.split = single("--split-column", options.split, {"split"});
  roles.labels =
      options.label.empty() ? either({"label", "labels", "y", "class"}) : matching("--label", options.label);
  std::vector<bool> taken(names_.size(), false);
  for (const int column : roles.labels) taken[column] = true;
  for (const int column : {roles.id, roles.split})
    if (column >= 0) taken[column] = true;
  if (!options.features.empty() && options.features != "rest") {
    roles.features = matching("--features", options.features);
    for (const int column : roles.features)
      if (taken[column])
        throw InputError(fmt::format("--features {}: column \"{}\" of {} is id, label or split already",
                                     options.features, names_[column], where_));
  } else {
    for (int column = 0; column < static_cast<int>(names_.size()); ++column)
      if (!taken[column]) roles.features.push_back(column);
  }
  return roles;
}

std::string NodeColumns::all() const {
  std::string text;
  for (const std::string& name : names_) {
    if (text.size() > kNamesShown) return text + ", …";
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

std::vector<int> NodeColumns::either(std::initializer_list<std::string_view> names) const {
  for (const std::string_view name : names)
    if (const auto at = std::find(names_.begin(), names_.end(), name); at != names_.end())
      return {static_cast<int>(at - names_.begin())};
  return {};
}

std::vector<int> NodeColumns::matching(std::string_view flag, std::string_view patterns) const {
  std::vector<int> found;
  for (int column = 0; column < static_cast<int>(names_.size()); ++column)
    for (std::string_view rest = patterns; !rest.empty();) {
      const std::string_view pattern = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), pattern.size() + 1));
      if (!matches(trimmed(pattern), names_[column])) continue;
      found.push_back(column);
      break;
    }
  if (found.empty())
    throw InputError(fmt::format("{} {}: no such column in {}; it has {}", flag, patterns, where_, all()));
  return found;
}

int NodeColumns::single(std::string_view flag, const std::string& asked,
                        std::initializer_list<std::string_view> names) const {
  const std::vector<int> found = asked.empty() ? either(names) : matching(flag, asked);
  if (found.size() > 1)
    throw InputError(
        fmt::format("{} {}: {} columns of {} fit; one is needed", flag, asked, found.size(), where_));
  return found.empty() ? -1 : found.front();
}

bool matches(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t begin = star; begin <= text.size(); ++begin)
    if (matches(rest, text.substr(begin))) return true;
  return false;
}

}  // namespace kith
