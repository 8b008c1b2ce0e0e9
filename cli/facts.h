#pragma once
#include <string>

namespace kith::cli {

/// A JSON object as lines of a name and a value; the names of nested objects are joined by dots.
std::string facts_text(const std::string& json);

}  // namespace kith::cli
