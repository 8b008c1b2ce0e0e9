#include "kith/datasets/text/edge_format.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kith/core/error.h"

namespace kith {
namespace {

constexpr std::size_t kFirstLook = std::size_t{64} << 10;
constexpr std::size_t kLongestLook = std::size_t{16} << 20;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kHeaderWords =
    " source src sourceid srcid from fromnode fromnodeid u head subject start user userid follower node1 id1 "
    "target tgt targetid dst dest dstid destination to tonode tonodeid v tail object end item itemid "
    "followee "
    "node2 id2 weight w value rating count time timestamp date type label relation predicate ";

bool is_whole(std::string_view field) {
  if (field.starts_with('-') || field.starts_with('+')) field.remove_prefix(1);
  return !field.empty() &&
         std::all_of(field.begin(), field.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_real(std::string_view field) {
  double value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return !field.empty() && end == field.data() + field.size() && error != std::errc::invalid_argument;
}

bool is_header_word(std::string_view field) {
  std::string word = " ";
  for (const char c : field)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return word.size() > 1 && kHeaderWords.find(word + " ") != kHeaderWords.npos;
}

bool all_header_words(const std::vector<std::string>& fields) {
  return fields.size() >= 2 && std::all_of(fields.begin(), fields.end(), is_header_word);
}

std::vector<std::string> fields_of(std::string_view line, char separator) {
  std::vector<std::string> fields;
  std::string_view field;
  while (next_field(line, separator, field)) fields.emplace_back(field);
  return fields;
}

/// The beginning of a file: its first lines of edges and where they stand.
struct Head {
  struct Line {
    std::string text;
    std::int64_t offset = 0;
    std::int64_t number = 0;
  };
  std::filesystem::path path;
  std::vector<Line> lines;  ///< at most two
  std::int64_t mark = 0;    ///< bytes of a byte-order mark
  std::string where(std::size_t line) const {
    return fmt::format("{}:{}", path.string(), lines[line].number);
  }
};

void find_lines(Head& head, std::string_view text, bool whole) {
  head.lines.clear();
  std::int64_t offset = 0, number = 1;
  head.mark = text.starts_with(kByteOrderMark) ? static_cast<std::int64_t>(kByteOrderMark.size()) : 0;
  text.remove_prefix(static_cast<std::size_t>(offset = head.mark));
  while (!text.empty() && head.lines.size() < 2) {
    const std::size_t newline = text.find('\n');
    if (newline == text.npos && !whole) return;
    const std::string_view line = text.substr(0, newline);
    if (is_edge_line(line)) head.lines.push_back({std::string(line), offset, number});
    const std::size_t used = std::min(text.size(), line.size() + 1);
    text.remove_prefix(used);
    offset += static_cast<std::int64_t>(used);
    ++number;
  }
}

Head head_of(const std::filesystem::path& path) {
  Head head{path, {}, 0};
  for (std::size_t wanted = kFirstLook;; wanted *= 16) {
    Array<char> bytes(wanted);
    ByteStream stream(path);
    const std::size_t count = stream.read(bytes.span());
    const std::string_view text(bytes.data(), count);
    if (const std::size_t zero = text.substr(0, 4096).find('\0'); zero != text.npos)
      throw InputError(fmt::format("{}:{}: a zero byte: this is no text", path.string(),
                                   1 + std::count(text.begin(), text.begin() + zero, '\n')));
    find_lines(head, text, count < wanted);
    if (count < wanted || head.lines.size() == 2) return head;
    if (wanted >= kLongestLook && head.lines.empty())
      throw InputError(fmt::format("{}: no edge in the first {} MiB", path.string(), wanted >> 20));
    if (wanted >= kLongestLook) return head;
  }
}

/// The separator of the first line; where tabs and blanks take turns, either.
char separator_of(std::string_view line, std::string_view next) {
  for (const char c : {'\t', ',', ';', '|'})
    if (trimmed_blanks(line).find(c) != line.npos)
      return c == '\t' && trimmed_blanks(next).find(c) == next.npos ? ' ' : c;
  const std::string_view text = trimmed_blanks(line);
  const bool blanks = text.find(' ') != text.npos;
  const bool numbers = text.find_first_not_of("0123456789:") == text.npos;
  return !blanks && numbers && text.find(':') != text.npos ? ':' : ' ';
}

/// Column `wanted` (a name of the header, or a number from 1), or `fallback` when nothing is asked for.
std::int64_t column_of(const std::string& wanted, std::int64_t fallback, const EdgeFormat& format,
                       const std::string& where, const char* setting) {
  if (wanted.empty()) return fallback;
  const auto named = std::find(format.header.begin(), format.header.end(), wanted);
  if (named != format.header.end()) {
    if (std::find(named + 1, format.header.end(), wanted) != format.header.end())
      throw InputError(
          fmt::format("{}: --{} {}: the header names it twice; give its number", where, setting, wanted));
    if (static_cast<std::int64_t>(format.header.size()) != format.columns)
      throw InputError(
          fmt::format("{}: --{} {}: {} columns, but the header has {}; give the column's number, from 1",
                      where, setting, wanted, format.columns, format.header.size()));
    return named - format.header.begin();
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  if (error == std::errc{} && end == wanted.data() + wanted.size()) {
    if (number >= 1 && number <= format.columns) return number - 1;
    throw InputError(fmt::format("{}: --{} {}: outside [1, {}], the columns of the first line", where,
                                 setting, wanted, format.columns));
  }
  throw InputError(fmt::format("{}: --{} {}: {}", where, setting, wanted,
                               format.header.empty() ? "there is no header; give the column's number, from 1"
                                                     : fmt::format("the header has no such column; it has {}",
                                                                   fmt::join(format.header, ", "))));
}

bool names_a_column(const EdgeTextOptions& options) {
  for (const std::string* column :
       {&options.source_column, &options.destination_column, &options.weight_column})
    if (!column->empty() && !is_whole(*column)) return true;
  return false;
}

/// A header is a first line of texts above a line of numbers, of words that headers use, or one that the user
/// names columns of.
bool is_header(const std::vector<std::string>& first, const std::vector<std::string>& second,
               const EdgeTextOptions& options) {
  if (first.empty() || is_real(first[0])) return false;
  if (names_a_column(options)) return true;
  if (all_header_words(first) && !all_header_words(second)) return true;
  for (std::size_t c = 0; c < std::min(first.size(), second.size()); ++c)
    if (!is_real(first[c]) && is_real(second[c])) return true;
  return false;
}

void choose_columns(EdgeFormat& format, const EdgeTextOptions& options, const std::string& where) {
  if (format.columns < 2)
    throw InputError(fmt::format("{}: one column; an edge needs a source and a destination", where));
  format.source = column_of(options.source_column, 0, format, where, "source-column");
  format.destination = column_of(options.destination_column, 1, format, where, "destination-column");
  format.weight = column_of(options.weight_column, -1, format, where, "weight-column");
  if (format.source == format.destination || format.weight == format.source ||
      format.weight == format.destination)
    throw InputError(
        fmt::format("{}: source, destination and weight need different columns; they are {}, {}{}", where,
                    format.source + 1, format.destination + 1,
                    format.weight < 0 ? "" : fmt::format(" and {}", format.weight + 1)));
}

}  // namespace

bool next_field(std::string_view& line, char separator, std::string_view& field) {
  if (line.data() == nullptr) return false;
  if (separator == ' ') {
    line = trimmed_blanks(line);
    if (line.empty()) return false;
    const std::size_t end = line.find_first_of(" \t\r");
    field = line.substr(0, end);
    line.remove_prefix(field.size());
    return true;
  }
  std::size_t end = line.find(separator);
  std::string_view rest = line;
  const std::size_t first = line.find_first_not_of(separator == '\t' ? " " : " \t");
  if (first != line.npos && line[first] == '"') {
    const std::size_t closing = line.find('"', first + 1);
    if (closing != line.npos) end = line.find(separator, closing + 1);
  }
  field = trimmed_blanks(line.substr(0, end));
  if (field.size() >= 2 && field.front() == '"' && field.back() == '"')
    field = field.substr(1, field.size() - 2);
  line = end == rest.npos ? std::string_view() : rest.substr(end + 1);
  return true;
}

EdgeTextLayout layout_of(const std::vector<std::filesystem::path>& files, const EdgeTextOptions& options) {
  EdgeTextLayout layout;
  EdgeFormat& format = layout.format;
  bool known = false;
  for (const std::filesystem::path& path : files) {
    const Head head = head_of(path);
    if (head.lines.empty()) {
      // Of many files one may be empty; of one file it is a mistake.
      if (files.size() == 1)
        throw InputError(fmt::format("{}: the file is empty: no line of edges", path.string()));
      continue;
    }
    if (!known) format.separator = separator_of(head.lines.front().text, head.lines.back().text);
    const auto first = fields_of(head.lines[0].text, format.separator);
    const auto second =
        head.lines.size() < 2 ? std::vector<std::string>() : fields_of(head.lines[1].text, format.separator);
    const bool header =
        known ? !format.header.empty() && first == format.header : is_header(first, second, options);
    if (header && second.empty()) {
      if (files.size() == 1)
        throw InputError(
            fmt::format("{}: the file is empty: no line of edges below the header", path.string()));
      continue;
    }
    const std::size_t line = header ? 1 : 0;
    const auto& fields = header ? second : first;
    if (!known) {
      if (header) format.header = first;
      format.columns = static_cast<std::int64_t>(fields.size());
      choose_columns(format, options, head.where(line));
      const auto is_id = options.ids == IdPolicy::map ? is_whole : is_real;
      format.names = !is_id(fields[format.source]) || !is_id(fields[format.destination]);
      known = true;
    }
    if (static_cast<std::int64_t>(fields.size()) != format.columns)
      throw InputError(fmt::format("{}: {} columns, {} has {}", head.where(line), fields.size(),
                                   layout.files.front().path.string(), format.columns));
    layout.files.push_back({path, header ? head.lines[1].offset : head.mark});
  }
  if (!known)
    throw InputError(fmt::format("{}: {} files and no line of edges", files[0].string(), files.size()));
  return layout;
}

}  // namespace kith
