#include <cstdlib>
#include <set>

#include <fmt/format.h>
#include <toml++/toml.h>
#include <unistd.h>

#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/core/log.h"
#include "kith/core/settings.h"
#include "kith/core/settings_value.h"

namespace kith {
namespace {

/// Variables that steer the program without being settings of a run.
constexpr std::string_view kOtherVariables[] = {"KITH_PROGRESS", "KITH_DATA_DIR", "KITH_METIS"};

std::string text_of_scalar(const toml::node& node, const std::string& source) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (node.is_table())
    throw InputError(source + ": tables are not used here; write all keys at the top level of the file");
  throw InputError(source + ": expected a text, a number, true, false or a list of whole numbers");
}

std::string text_of(const toml::node& node, const std::string& source) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return text_of_scalar(node, source);
  std::string joined;
  for (const toml::node& element : *list)
    joined += (joined.empty() ? "" : ",") + text_of_scalar(element, source);
  return joined;
}

toml::table parse_file(const std::filesystem::path& file) {
  try {
    return toml::parse(read_text_file(file), file.string());
  } catch (const toml::parse_error& error) {
    throw InputError(
        fmt::format("{}:{}: {}", file.string(), error.source().begin.line, std::string(error.description())));
  }
}

std::string variable_of(const std::string& name) {
  std::string variable = "KITH_" + name;
  for (char& c : variable) {
    if (c == '-') c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return variable;
}

/// A variable close to a known one is a mistake; any other may belong to somebody else's script.
void judge_unknown_variable(const std::string& variable, const std::vector<std::string>& known) {
  for (const std::string_view other : kOtherVariables)
    if (variable == other) return;
  if (const auto near = nearest_name(variable, known))
    throw InputError(fmt::format("unknown environment variable {}; did you mean {}?", variable, *near));
  log::warning(fmt::format("the environment variable {} is no setting and is ignored", variable));
}

}  // namespace

// One file may serve several verbs: a setting of another verb is checked and left alone.
void Settings::read_toml(const std::filesystem::path& file) {
  std::set<std::string> seen;
  for (const auto& [key, node] : parse_file(file)) {
    const std::string name = detail::canonical_name(key.str());
    const std::string source = fmt::format("{}:{}", file.string(), key.source().begin.line);
    const Setting* setting = schema_->find(name, verb_);
    if (setting == nullptr) setting = schema_->find(name);  // another verb's: checked and left aside
    if (node.is_table()) text_of_scalar(node, source);
    if (setting == nullptr)
      throw InputError(source + ": " + schema_->unknown_message(verb_, std::string(key.str())));
    if (!seen.insert(name).second) throw InputError(source + ": " + name + " is given twice");
    if (node.is_array() && setting->type != Setting::Type::integers && setting->type != Setting::Type::text)
      throw InputError(source + ": " + name + " takes one value, not a list");
    const std::string value = detail::canonical_value(*setting, text_of(node, source), source);
    for (const std::string& verb : setting->verbs)
      if (verb == verb_) values_[name] = {value, source};
  }
}

void Settings::read_environment() {
  std::vector<std::string> known;
  std::map<std::string, const Setting*> by_variable;
  for (const Setting& setting : schema_->all()) {
    known.push_back(variable_of(setting.name));
    // The verb's own description wins over another verb's of the same name.
    const bool own = schema_->find(setting.name, verb_) == &setting;
    if (own || !by_variable.contains(known.back())) by_variable[known.back()] = &setting;
  }
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (!text.starts_with("KITH_") || equals == text.npos) continue;
    const std::string variable(text.substr(0, equals));
    const auto found = by_variable.find(variable);
    if (found == by_variable.end()) {
      judge_unknown_variable(variable, known);
      continue;
    }
    const std::string value = detail::canonical_value(*found->second, text.substr(equals + 1), variable);
    for (const std::string& verb : found->second->verbs)
      if (verb == verb_) values_[found->second->name] = {value, variable};
  }
}

}  // namespace kith
