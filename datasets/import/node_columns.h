#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "kith/datasets/import/node_table.h"

namespace kith {

/// The fields of one line of a table.
using Fields = std::vector<std::string_view>;

/// Without the blanks around it; empty text points into the line.
std::string_view trimmed(std::string_view text);
/// Puts the line's fields into `fields`, without blanks and quotes around them. A field in double quotes may
/// hold the separator; ' ' stands for runs of blanks and tabs. Throws LineFault when a quote is not closed.
void split_line(std::string_view line, char separator, Fields& fields);
/// The first of tab, comma, semicolon and bar that the header holds, else ' '.
char separator_of(std::string_view header);
bool is_blank_or_comment(std::string_view line);

/// The columns of every role.
struct NodeRoles {
  int id = -1, split = -1;
  std::vector<int> labels, features;
};

/// The columns of a table of nodes by name.
class NodeColumns {
 public:
  /// Throws InputError when a name stands twice.
  NodeColumns(std::string where, std::vector<std::string> names);
  std::size_t size() const { return names_.size(); }
  const std::string& operator[](int column) const { return names_[column]; }
  /// What every column is, by what the user said or by its name. Throws InputError for a column that is not
  /// there.
  NodeRoles roles(const NodeTableOptions& options) const;

 private:
  std::string all() const;
  std::vector<int> either(std::initializer_list<std::string_view> names) const;
  /// NodeColumns that fit one of several patterns, in the order of the file.
  std::vector<int> matching(std::string_view flag, std::string_view patterns) const;
  int single(std::string_view flag, const std::string& asked,
             std::initializer_list<std::string_view> names) const;

  std::string where_;
  std::vector<std::string> names_;
};

}  // namespace kith
