#include "kith/datasets/import/yaml.h"

#include <algorithm>

#include <fmt/format.h>

#include "kith/core/error.h"

// The text becomes lines of (indentation, content); "- key: value" is a list item that holds a mapping whose
// column is that of `key`, which is how the grammar is one recursion over columns.

namespace kith {
namespace {

constexpr int kMostDepth = 32;

struct Line {
  std::int64_t number;
  std::size_t column;
  std::string_view text;  ///< without comment and trailing blanks; never empty
};

class Parser {
 public:
  Parser(std::string_view text, const std::string& where) : where_(where) { read_lines(text); }

  Yaml document() {
    if (lines_.empty()) return {};
    Yaml yaml = block(lines_.front().column, 0);
    if (next_ < lines_.size()) fail(lines_[next_], "the indentation fits nothing above");
    return yaml;
  }

 private:
  [[noreturn]] void fail(std::int64_t line, const std::string& why) const {
    throw InputError(fmt::format("{}:{}: {}", where_, line, why));
  }
  [[noreturn]] void fail(const Line& line, const std::string& why) const { fail(line.number, why); }

  /// Where a comment begins: a # at the start or behind a blank, outside quotes.
  static std::size_t content_end(std::string_view text) {
    char quote = '\0';
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (quote != '\0') {
        if (c == '\\' && quote == '"')
          ++i;
        else if (c == quote)
          quote = '\0';
      } else if ((c == '"' || c == '\'') && (i == 0 || text[i - 1] == ' ')) {
        quote = c;
      } else if (c == '#' && (i == 0 || text[i - 1] == ' ')) {
        return i;
      }
    }
    return text.size();
  }

  void read_lines(std::string_view text) {
    for (std::int64_t number = 1; !text.empty(); ++number) {
      std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(text.size(), line.size() + 1));
      line = line.substr(0, content_end(line));
      const auto last = line.find_last_not_of(" \r");
      if (last == std::string_view::npos) continue;
      line = line.substr(0, last + 1);
      const std::size_t column = line.find_first_not_of(' ');
      if (line.find('\t') != std::string_view::npos) fail(number, "a tab; YAML is indented by blanks");
      if (line == "---" && lines_.empty()) continue;
      if (line == "---" || line == "...") fail(number, "several documents; one is read");
      lines_.push_back({number, column, line.substr(column)});
    }
  }

  bool at_column(std::size_t column) const { return next_ < lines_.size() && lines_[next_].column == column; }
  static bool is_item(std::string_view text) { return text == "-" || text.starts_with("- "); }

  /// The list or mapping whose lines begin at `column`.
  Yaml block(std::size_t column, int depth) {
    if (depth > kMostDepth) fail(lines_[next_], fmt::format("nested deeper than {}", kMostDepth));
    return is_item(lines_[next_].text) ? list(column, depth) : map(column, depth);
  }

  Yaml list(std::size_t column, int depth) {
    Yaml yaml{.kind = Yaml::Kind::list, .text = {}, .items = {}, .pairs = {}, .line = lines_[next_].number};
    while (at_column(column) && is_item(lines_[next_].text)) {
      Line& line = lines_[next_];
      const std::size_t inner = line.text.find_first_not_of(' ', 1);
      if (inner == std::string_view::npos) {
        ++next_;
        yaml.items.push_back(next_ < lines_.size() && lines_[next_].column > column
                                 ? block(lines_[next_].column, depth + 1)
                                 : Yaml{});
        continue;
      }
      // What follows the dash is a block of its own, in its own column.
      line = {line.number, column + inner, line.text.substr(inner)};
      if (is_item(line.text) || key_end(line) != std::string_view::npos) {
        yaml.items.push_back(block(line.column, depth + 1));
      } else {
        yaml.items.push_back(scalar(line.text, line.number));
        ++next_;
      }
    }
    return yaml;
  }

  Yaml map(std::size_t column, int depth) {
    Yaml yaml{.kind = Yaml::Kind::map, .text = {}, .items = {}, .pairs = {}, .line = lines_[next_].number};
    while (at_column(column) && !is_item(lines_[next_].text)) {
      const Line line = lines_[next_];
      const std::size_t end = key_end(line);
      if (end == std::string_view::npos || end == 0)
        fail(line, fmt::format("\"{}\" is no key: value", line.text.substr(0, 40)));
      const std::string key = scalar(line.text.substr(0, end), line.number).text;
      if (yaml.find(key) != nullptr) fail(line, fmt::format("the key \"{}\" stands twice", key));
      const std::size_t value = line.text.find_first_not_of(' ', end + 1);
      ++next_;
      Yaml held;
      if (value != std::string_view::npos)
        held = scalar(line.text.substr(value), line.number);
      else if (next_ < lines_.size() &&
               (lines_[next_].column > column || (at_column(column) && is_item(lines_[next_].text))))
        held = block(lines_[next_].column, depth + 1);
      yaml.pairs.push_back({key, std::move(held)});
    }
    return yaml;
  }

  /// The place of the colon behind a key, or npos.
  std::size_t key_end(const Line& line) const {
    std::size_t from = 0;
    if (line.text.front() == '"' || line.text.front() == '\'') {
      from = line.text.find(line.text.front(), 1);
      if (from == std::string_view::npos) fail(line, "a quote is not closed on its line");
    }
    for (std::size_t at = line.text.find(':', from); at != std::string_view::npos;
         at = line.text.find(':', at + 1))
      if (at + 1 == line.text.size() || line.text[at + 1] == ' ') return at;
    return std::string_view::npos;
  }

  Yaml scalar(std::string_view text, std::int64_t line) const {
    Yaml yaml;
    yaml.line = line;
    if (text.empty() || text == "null" || text == "~" || text == "Null" || text == "NULL") return yaml;
    if (text == "[]" || text == "{}") {
      yaml.kind = text == "[]" ? Yaml::Kind::list : Yaml::Kind::map;
      return yaml;
    }
    yaml.kind = Yaml::Kind::text;
    if (text.front() == '"' || text.front() == '\'') {
      yaml.text = unquoted(text, line);
    } else if (std::string_view("[{&*!|>%@`").find(text.front()) != std::string_view::npos) {
      fail(line, fmt::format("\"{}\": flow collections, anchors, tags and block texts are not read",
                             text.substr(0, 40)));
    } else {
      yaml.text = text;
    }
    return yaml;
  }

  std::string unquoted(std::string_view text, std::int64_t line) const {
    const char quote = text.front();
    std::string out;
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\\' && quote == '"' && i + 1 < text.size()) {
        out += text[++i] == 'n' ? '\n' : text[i];
      } else if (text[i] == quote) {
        if (i + 1 == text.size()) return out;
        if (quote == '\'' && text[i + 1] == '\'')
          out += text[++i];
        else
          fail(line, "text behind a closing quote");
      } else {
        out += text[i];
      }
    }
    fail(line, "a quote is not closed on its line");
  }

  const std::string& where_;
  std::vector<Line> lines_;
  std::size_t next_ = 0;
};

}  // namespace

const Yaml* Yaml::find(std::string_view key) const {
  const auto found =
      std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == key; });
  return found == pairs.end() ? nullptr : &found->second;
}

Yaml parse_yaml(std::string_view text, const std::string& where) { return Parser(text, where).document(); }

}  // namespace kith
