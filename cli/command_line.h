#pragma once
#include <span>
#include <string>

#include "kith/cli/verb.h"

namespace kith::cli {

/// The settings of one invocation: the TOML file (`--config FILE`, or a `.toml` in the place of DATA), then
/// `KITH_*`, then the flags and positional arguments; the later wins. Throws InputError on an unknown flag
/// (with the nearest known one), a missing value, or too many arguments. The schema must outlive the
/// settings.
Settings parsed_settings(const Schema& schema, const Verb& verb, std::span<const std::string> arguments);

/// True when `-h` or `--help` is among them.
bool asks_for_help(std::span<const std::string> arguments);

/// The program and its arguments as a shell would take them.
std::string quoted_command(std::span<const std::string> arguments);

/// "-o, --output": how the flag of a setting is written.
std::string flags_of(const Setting& setting);

}  // namespace kith::cli
