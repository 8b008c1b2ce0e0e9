#include "kith/cli/tables.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/core/json_depth.h"

namespace kith::cli {
namespace {

using Json = nlohmann::ordered_json;
using Facts = std::vector<std::pair<std::string, std::string>>;

void flatten(const std::string& prefix, const Json& object, Facts& facts) {
  for (const auto& [name, value] : object.items()) {
    if (value.is_object())
      flatten(prefix + name + ".", value, facts);
    else
      facts.emplace_back(prefix + name, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

std::string lines_of(const Facts& facts) {
  std::size_t widest = 0;
  for (const auto& [name, value] : facts) widest = std::max(widest, name.size());
  std::string text;
  for (const auto& [name, value] : facts) text += fmt::format("  {:<{}}  {}\n", name, widest, value);
  return text;
}

using Row = std::vector<std::string>;

void widen(std::vector<std::size_t>& widths, const Row& row) {
  for (std::size_t column = 0; column < row.size() && column < widths.size(); ++column)
    widths[column] = std::max(widths[column], row[column].size());
}

std::string aligned(const Row& row, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t column = 0; column < row.size() && column < widths.size(); ++column)
    line += fmt::format(fmt::runtime(column == 0 ? "  {:<{}}" : "  {:>{}}"), row[column], widths[column]);
  return line + "\n";
}

/// A bar of up to 30 columns in steps of an eighth.
std::string bar_of(double share) {
  constexpr const char* kEighths[] = {"",       "\u258f", "\u258e", "\u258d",
                                      "\u258c", "\u258b", "\u258a", "\u2589"};
  const auto eighths = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * 30 * 8));
  std::string bar = "  ";
  for (int full = 0; full < eighths / 8; ++full) bar += "\u2588";
  return bar + (eighths == 0 && share > 0 ? kEighths[1] : kEighths[eighths % 8]);
}

std::string lines_of(const DescribedTable& table) {
  std::vector<std::size_t> widths(table.columns.size());
  widen(widths, table.columns);
  for (const Row& row : table.rows) widen(widths, row);
  std::string text =
      "\n" + table.title + "\n" + (table.columns.empty() ? "" : aligned(table.columns, widths));
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    std::string line = aligned(table.rows[r], widths);
    if (r < table.bars.size() && table.bars[r] > 0) line.insert(line.size() - 1, bar_of(table.bars[r]));
    text += line;
  }
  return text;
}

/// A run that is still under way has no summary: its last metrics stand in.
std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  if (end == text.npos) return "{}";
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin == text.npos ? 0 : begin + 1, end - (begin == text.npos ? 0 : begin + 1) + 1);
}

}  // namespace

std::string text_of(const Description& description) {
  Facts facts;
  for (const Description::Fact& fact : description.facts) facts.emplace_back(fact.name, fact.value);
  std::string text = lines_of(facts);
  for (const DescribedTable& table : description.tables) text += lines_of(table);
  return text;
}

std::string facts_text(const std::string& json) {
  Facts facts;
  flatten("", Json::parse(json), facts);
  return lines_of(facts);
}

std::string run_summary_json(const std::filesystem::path& run) {
  const bool finished = std::filesystem::exists(run / "summary.json");
  const std::filesystem::path file = run / (finished ? "summary.json" : "metrics.jsonl");
  const std::string text = read_text_file(file);
  const Json json =
      Json::parse(shallow_json(finished ? text : last_line(text), file.string()), nullptr, false);
  if (!json.is_object()) throw CorruptError(file.string() + ": is not a JSON object");
  return json.dump(2) + "\n";
}

std::string settings_line(const std::string& summary_json) {
  const Json settings = Json::parse(summary_json).value("settings", Json::object());
  const auto text = [&](const char* name) {
    const Json value = settings.value(name, Json("?"));
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  return fmt::format("{}, {}, {} layers of {}, on {}, seed {}\n", text("model"), text("regime"),
                     text("layers"), text("hidden"), text("data"), text("seed"));
}

std::string with_newline(std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

}  // namespace kith::cli
