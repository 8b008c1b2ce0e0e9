#include "kith/core/settings.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kith/core/error.h"
#include "kith/core/settings_value.h"

namespace kith {
namespace {

bool has_verb(const Setting& setting, std::string_view verb) {
  return std::find(setting.verbs.begin(), setting.verbs.end(), verb) != setting.verbs.end();
}

constexpr std::uint64_t fnv1a(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

}  // namespace

void Schema::add(Setting setting) {
  require(setting.name == detail::canonical_name(setting.name), "a setting's name is lower case with '-'",
          {{"name", setting.name}});
  for (const std::string& verb : setting.verbs)
    require(find(setting.name, verb) == nullptr, "a setting's name is not taken",
            {{"name", setting.name}, {"verb", verb}});
  if (!setting.fallback.empty())
    setting.fallback = detail::canonical_value(setting, setting.fallback, "the default");
  settings_.push_back(std::move(setting));
}

Setting setting_of(std::string module, std::string verb, std::string name, Setting::Type type,
                   std::string fallback, std::string help) {
  Setting setting;
  setting.name = std::move(name);
  setting.type = type;
  setting.fallback = std::move(fallback);
  setting.help = std::move(help);
  setting.module = std::move(module);
  setting.verbs = {std::move(verb)};
  return setting;
}

const Setting* Schema::find(std::string_view name) const {
  const std::string wanted = detail::canonical_name(name);
  for (const Setting& setting : settings_)
    if (setting.name == wanted) return &setting;
  return nullptr;
}

const Setting* Schema::find(std::string_view name, std::string_view verb) const {
  const std::string wanted = detail::canonical_name(name);
  for (const Setting& setting : settings_)
    if (setting.name == wanted && has_verb(setting, verb)) return &setting;
  return nullptr;
}

std::vector<const Setting*> Schema::of_verb(std::string_view verb) const {
  std::vector<const Setting*> found;
  for (const Setting& setting : settings_)
    if (has_verb(setting, verb)) found.push_back(&setting);
  return found;
}

std::string Schema::unknown_message(std::string_view verb, std::string_view name) const {
  std::vector<std::string> takers;
  for (const Setting& setting : settings_)
    if (setting.name == detail::canonical_name(name))
      takers.insert(takers.end(), setting.verbs.begin(), setting.verbs.end());
  if (!takers.empty())
    return fmt::format("\"{}\" is not a setting of kith {}, but of kith {}", detail::canonical_name(name),
                       verb, fmt::join(takers, ", kith "));
  std::vector<std::string> known;
  for (const Setting* setting : of_verb(verb)) known.push_back(setting->name);
  return fmt::format("unknown setting \"{}\"{}", name, did_you_mean(detail::canonical_name(name), known));
}

Settings::Settings(const Schema& schema, std::string verb) : schema_(&schema), verb_(std::move(verb)) {
  for (const Setting* setting : schema_->of_verb(verb_))
    if (!setting->fallback.empty()) values_[setting->name] = {setting->fallback, ""};
}

void Settings::set(std::string_view name, std::string_view value, const std::string& source) {
  const Setting* setting = schema_->find(name, verb_);
  if (setting == nullptr) throw InputError(source + ": " + schema_->unknown_message(verb_, name));
  values_[setting->name] = {detail::canonical_value(*setting, value, source), source};
}

bool Settings::is_set(std::string_view name) const {
  const auto found = values_.find(detail::canonical_name(name));
  return found != values_.end() && !found->second.source.empty();
}

bool Settings::has_value(std::string_view name) const {
  return values_.contains(detail::canonical_name(name));
}

const Settings::Value& Settings::value_of(std::string_view name) const {
  const auto found = values_.find(detail::canonical_name(name));
  if (found != values_.end()) return found->second;
  const Setting* setting = schema_->find(name, verb_);
  require(setting != nullptr, "the verb has the setting that is read", {{"verb", verb_}, {"setting", name}});
  throw InputError(fmt::format("kith {} needs --{} ({})", verb_, setting->name, setting->help));
}

bool Settings::boolean(std::string_view name) const { return value_of(name).text == "true"; }

std::int64_t Settings::integer(std::string_view name) const {
  const std::vector<std::int64_t> numbers = integers(name);
  require(numbers.size() == 1, "the setting is one whole number", {{"setting", name}});
  return numbers.front();
}

double Settings::real(std::string_view name) const {
  const std::string& text = value_of(name).text;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  require(error == std::errc{} && end == text.data() + text.size(), "the setting is a number",
          {{"setting", name}});
  return number;
}

std::string Settings::text(std::string_view name) const { return value_of(name).text; }

std::vector<std::int64_t> Settings::integers(std::string_view name) const {
  return detail::parsed_integers(value_of(name).text);
}

std::map<std::string, std::string> Settings::resolved() const {
  std::map<std::string, std::string> all;
  for (const auto& [name, value] : values_) all[name] = value.text;
  return all;
}

std::uint64_t Settings::hash() const {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const auto& [name, value] : values_)
    if (schema_->find(name, verb_)->shapes_result) hash = fnv1a(hash, name + "=" + value.text + "\n");
  return hash;
}

}  // namespace kith
