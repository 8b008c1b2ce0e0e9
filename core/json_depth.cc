#include "kith/core/json_depth.h"

#include <algorithm>

#include "kith/core/error.h"

namespace kith {

int json_depth(std::string_view text) {
  int depth = 0, deepest = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (quoted && letter == '\\') {
      ++i;
    } else if (letter == '"') {
      quoted = !quoted;
    } else if (!quoted && (letter == '[' || letter == '{')) {
      deepest = std::max(deepest, ++depth);
    } else if (!quoted && (letter == ']' || letter == '}')) {
      --depth;
    }
  }
  return deepest;
}

std::string_view shallow_json(std::string_view text, const std::string& file) {
  const int depth = json_depth(text);
  if (depth > kDeepestJson) {
    throw CorruptError(file + ": JSON with " + std::to_string(depth) +
                       " lists and objects in one another; at most " + std::to_string(kDeepestJson) +
                       " are read");
  }
  return text;
}

}  // namespace kith
