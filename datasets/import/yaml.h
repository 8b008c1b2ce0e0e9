#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kith {

struct YamlPair;

/// A node of a YAML document: nothing, a text, a list, or a mapping in the order of the file.
struct Yaml {
  enum class Kind { nothing, text, list, map };
  Kind kind = Kind::nothing;
  std::string text;
  std::vector<Yaml> items;      ///< of a list
  std::vector<YamlPair> pairs;  ///< of a map
  std::int64_t line = 0;        ///< where it begins

  /// Of a map: the value of a key, or null.
  const Yaml* find(std::string_view key) const;
};
struct YamlPair {
  std::string first;
  Yaml second;
};

/// Block mappings and lists by indentation, plain and quoted scalars on one line, `null`, `[]`, `{}` and
/// comments: what metadata files are made of. Anything else (anchors, tags, flow collections, block texts,
/// several documents) is refused. `where` begins every message "where:line: …". Throws InputError; nesting is
/// bounded.
Yaml parse_yaml(std::string_view text, const std::string& where);

}  // namespace kith
