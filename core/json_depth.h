#pragma once
#include <string>
#include <string_view>

namespace kith {

/// The deepest nesting of lists and objects that Kith reads. What it writes itself has fewer than ten.
constexpr int kDeepestJson = 100;

/// How many lists and objects lie in one another at the deepest place of a JSON text: 0 for "1", 2 for
/// {"a": [1]}. Brackets within strings do not count; of a text that is no JSON the answer means nothing.
int json_depth(std::string_view text);

/// The text as it is; CorruptError with the file's name if it nests deeper than kDeepestJson. Parsers of JSON
/// that keep the tree print, compare and copy it by recursion: a text that a stack cannot hold must not reach
/// them.
std::string_view shallow_json(std::string_view text, const std::string& file);

}  // namespace kith
