// The flags of a verb are its settings: CLI11 splits the arguments by the schema, the schema checks the
// values.
#include "kith/cli/command_line.h"

#include <algorithm>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "kith/core/error.h"

namespace kith::cli {
namespace {

/// Short names that a user expects; a setting of one letter is its own.
const std::map<std::string, std::string> kShortFlags{{"output", "-o"}};

bool is_flag(const std::string& argument) { return argument.size() > 1 && argument.front() == '-'; }

/// "--batch_size=3" is "--batch-size=3"; the value is left alone.
std::string with_dashes(std::string argument) {
  if (!argument.starts_with("--")) return argument;
  const auto name_end =
      argument.begin() + static_cast<std::ptrdiff_t>(std::min(argument.find('='), argument.size()));
  std::replace(argument.begin(), name_end, '_', '-');
  return argument;
}

using Values = std::map<std::string, std::string>;

void add_options(CLI::App& app, const std::vector<const Setting*>& settings) {
  for (const Setting* setting : settings) {
    std::string names = flags_of(*setting);
    names.erase(std::remove(names.begin(), names.end(), ' '), names.end());
    CLI::Option* option =
        setting->type == Setting::Type::boolean ? app.add_flag(names) : app.add_option(names);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
}

/// What is left over must be the positional arguments.
void take_positionals(const Schema& schema, const Verb& verb, const std::vector<std::string>& left,
                      Values& values) {
  std::size_t next = 0;
  for (const std::string& argument : left)
    if (is_flag(argument))
      throw InputError(schema.unknown_message(
          verb.name, argument.substr(argument.find_first_not_of('-'),
                                     argument.find('=') - argument.find_first_not_of('-'))));
  for (const std::string& argument : left) {
    if (next == verb.positionals.size())
      throw InputError(fmt::format("unexpected argument \"{}\"; see kith {} --help", argument, verb.name));
    values[verb.positionals[next++].setting] = argument;
  }
}

Values flag_values(const Schema& schema, const Verb& verb, std::span<const std::string> arguments) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  const auto settings = schema.of_verb(verb.name);
  add_options(app, settings);
  std::vector<std::string> reversed;
  std::transform(arguments.rbegin(), arguments.rend(), std::back_inserter(reversed), with_dashes);
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    throw InputError(fmt::format("{}; see kith {} --help", error.what(), verb.name));
  }
  Values values;
  take_positionals(schema, verb, app.remaining(), values);
  for (const Setting* setting : settings) {
    const CLI::Option* option = app.get_option("--" + setting->name);
    if (option->count() > 0) values[setting->name] = option->results().back();
  }
  return values;
}

/// `kith train run.toml`: the file takes the place of DATA.
void move_config(const Schema& schema, const Verb& verb, Values& values) {
  if (verb.positionals.empty() || schema.find("config", verb.name) == nullptr) return;
  const auto first = values.find(verb.positionals.front().setting);
  if (first == values.end() || !first->second.ends_with(".toml") || values.contains("config")) return;
  values["config"] = first->second;
  values.erase(first);
}

std::string source_of(const Verb& verb, const std::string& setting) {
  for (const Positional& positional : verb.positionals)
    if (positional.setting == setting) return positional.label;
  return (setting.size() == 1 ? "-" : "--") + setting;
}

void require_positionals(const Schema& schema, const Verb& verb, const Settings& settings) {
  for (const Positional& positional : verb.positionals)
    if (!positional.optional && !settings.has_value(positional.setting))
      throw InputError(fmt::format("kith {} needs {} ({}); see kith {} --help", verb.name, positional.label,
                                   schema.find(positional.setting, verb.name)->help, verb.name));
}

}  // namespace

std::string flags_of(const Setting& setting) {
  if (setting.name.size() == 1) return "-" + setting.name + ", --" + setting.name;
  const auto found = kShortFlags.find(setting.name);
  return (found == kShortFlags.end() ? "" : found->second + ", ") + "--" + setting.name;
}

std::string quoted_command(std::span<const std::string> arguments) {
  std::string line = "kith";
  for (const std::string& argument : arguments) {
    const bool plain = !argument.empty() && argument.find_first_of(" \t\n\"'\\$*?|&;<>()`#") == argument.npos;
    line += plain ? " " + argument : " '" + argument + "'";
  }
  return line;
}

bool asks_for_help(std::span<const std::string> arguments) {
  return std::any_of(arguments.begin(), arguments.end(),
                     [](const std::string& argument) { return argument == "-h" || argument == "--help"; });
}

Settings parsed_settings(const Schema& schema, const Verb& verb, std::span<const std::string> arguments) {
  Values values = flag_values(schema, verb, arguments);
  move_config(schema, verb, values);
  Settings settings(schema, verb.name);
  if (const auto config = values.find("config"); config != values.end()) settings.read_toml(config->second);
  settings.read_environment();
  for (const auto& [name, value] : values) settings.set(name, value, source_of(verb, name));
  require_positionals(schema, verb, settings);
  return settings;
}

}  // namespace kith::cli
