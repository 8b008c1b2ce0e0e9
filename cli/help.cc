#include "kith/cli/help.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kith/cli/command_line.h"

namespace kith::cli {
namespace {

std::string value_label(const Setting& setting) {
  switch (setting.type) {
    case Setting::Type::boolean: return "";
    case Setting::Type::integer: return " N";
    case Setting::Type::real: return " X";
    case Setting::Type::text: return " TEXT";
    case Setting::Type::choice: return fmt::format(" {}", fmt::join(setting.choices, "|"));
    case Setting::Type::integers: return " N,N,…";
    case Setting::Type::path: return " PATH";
  }
  return "";
}

/// "[0.01; 0 to 1]": the default, then the range.
std::string limits_of(const Setting& setting) {
  std::vector<std::string> facts;
  if (!setting.fallback.empty() && setting.type != Setting::Type::boolean) facts.push_back(setting.fallback);
  if (setting.minimum && setting.maximum)
    facts.push_back(fmt::format("{} to {}", *setting.minimum, *setting.maximum));
  else if (setting.minimum)
    facts.push_back(fmt::format("at least {}", *setting.minimum));
  else if (setting.maximum)
    facts.push_back(fmt::format("at most {}", *setting.maximum));
  return facts.empty() ? "" : fmt::format(" [{}]", fmt::join(facts, "; "));
}

bool is_positional(const Verb& verb, const Setting& setting) {
  return std::any_of(verb.positionals.begin(), verb.positionals.end(),
                     [&](const Positional& positional) { return positional.setting == setting.name; });
}

std::string usage_of(const Verb& verb) {
  std::string usage = "kith " + verb.name;
  for (const Positional& positional : verb.positionals)
    usage += positional.optional ? " [" + positional.label + "]" : " " + positional.label;
  return usage + " [settings]";
}

}  // namespace

std::string overview() {
  std::string text =
      "kith trains graph neural networks on one rank or many.\n\n"
      "usage: kith VERB …        kith VERB --help        kith --version [--verbose]\n\n";
  for (const Verb& verb : all_verbs())
    if (verb.listed) text += fmt::format("  {:<10} {}\n", verb.name, verb.summary);
  return text + "\nSeveral ranks: mpiexec -n P kith train …, or srun kith train …\n";
}

std::string help_of(const Schema& schema, const Verb& verb) {
  std::string text =
      fmt::format("{}.\n\nusage:   {}\nexample: {}\n", verb.summary, usage_of(verb), verb.example);
  for (const Positional& positional : verb.positionals)
    if (const Setting* setting = schema.find(positional.setting, verb.name))
      text += fmt::format("\n  {}\n        {}\n", positional.label, setting->help);
  std::string module;
  for (const Setting* setting : schema.of_verb(verb.name)) {
    if (is_positional(verb, *setting)) continue;
    if (setting->module != module) text += fmt::format("\n{}:\n", setting->module);
    module = setting->module;
    text += fmt::format("  {}{}\n        {}{}\n", flags_of(*setting), value_label(*setting), setting->help,
                        limits_of(*setting));
  }
  return text + "\nSettings may also come from --config FILE (TOML) and KITH_* variables; flags win.\n";
}

}  // namespace kith::cli
