#pragma once
#include <string>

#include "kith/cli/verb.h"

namespace kith::cli {

/// The verbs, one line each.
std::string overview();
/// Usage, an example, and every setting of the verb with its default and range.
std::string help_of(const Schema& schema, const Verb& verb);
/// "kith 0.1.0"; with `details`, what it was built with and what it found on this machine.
std::string version_text();
std::string version_details();

}  // namespace kith::cli
