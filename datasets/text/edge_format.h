#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "kith/datasets/text/text_source.h"

namespace kith {

/// What becomes of the ids in a list of edges.
enum class IdPolicy {
  automatic,  ///< numbers stay when they are compact, else they are mapped; texts are mapped
  dense,      ///< numbers are the store's ids; missing ones are isolated nodes
  map         ///< always mapped: whole numbers as numbers, anything else as texts
};

/// What the user said about text files of edges.
struct EdgeTextOptions {
  std::string source_column, destination_column, weight_column;  ///< a header's name, or a number from 1
  IdPolicy ids = IdPolicy::automatic;
  std::int64_t max_errors = 1;  ///< bad lines to tell before giving up
  bool skip_bad_lines = false;
};

/// How a line of edges is laid out.
struct EdgeFormat {
  char separator = ' ';  ///< ' ' stands for runs of blanks and tabs
  std::int64_t columns = 0;
  std::int64_t source = 0, destination = 1, weight = -1;  ///< columns from 0; weight −1: none
  bool names = false;                                     ///< ids are texts
  std::vector<std::string> header;
};

/// One field of a line without the blanks around it.
inline std::string_view trimmed_blanks(std::string_view field) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!field.empty() && blank(field.front())) field.remove_prefix(1);
  while (!field.empty() && blank(field.back())) field.remove_suffix(1);
  return field;
}

/// Takes the next field off a line (without its newline); false when the line is used up. A field in double
/// quotes may hold the separator.
bool next_field(std::string_view& line, char separator, std::string_view& field);
/// Whether a line holds an edge: not empty, no comment.
inline bool is_edge_line(std::string_view line) {
  const std::string_view text = trimmed_blanks(line);
  return !text.empty() && text.front() != '#' && text.front() != '%';
}

/// The layout that the first lines show, and where each file's edges begin (behind byte-order mark, comments
/// and header). All files must have as many columns; where files repeat a header it is the same. Throws
/// InputError with file:line.
struct EdgeTextLayout {
  EdgeFormat format;
  std::vector<TextFileBegin> files;
};
EdgeTextLayout layout_of(const std::vector<std::filesystem::path>& files, const EdgeTextOptions& options);

}  // namespace kith
