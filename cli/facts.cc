#include "kith/cli/facts.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

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

}  // namespace

std::string facts_text(const std::string& json) {
  Facts facts;
  flatten("", Json::parse(json), facts);
  std::size_t widest = 0;
  for (const auto& [name, value] : facts) widest = std::max(widest, name.size());
  std::string text;
  for (const auto& [name, value] : facts) text += fmt::format("  {:<{}}  {}\n", name, widest, value);
  return text;
}

}  // namespace kith::cli
