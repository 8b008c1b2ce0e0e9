#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "kith/core/array.h"
#include "kith/core/mapped_file.h"

namespace kith {

/// The text of a file, mapped, or inflated when its name ends in `.gz`.
class TextFile {
 public:
  explicit TextFile(const std::filesystem::path& path);
  std::string_view text() const { return text_; }
  const std::string& where() const { return where_; }

 private:
  MappedFile file_;
  Array<std::byte> inflated_;
  std::string where_;
  std::string_view text_;
};

struct TableOptions {
  std::int64_t keep = 0;  ///< leading columns to keep; 0: all
  bool may_have_header = false;
};

/// Numbers in rows. Column c of row r is values[r · columns + c].
template <class T>
struct TextTable {
  Array<T> values;
  std::int64_t rows = 0;
  std::int64_t columns = 0;      ///< kept
  std::int64_t all_columns = 0;  ///< in the file
  bool header = false;
};

/// Lines of numbers separated by blanks, tabs, commas, semicolons, colons or bars. Empty lines and lines that
/// begin with # or % are passed over. Every line has as many columns as the first. T is std::int64_t or
/// float. Parallel. Throws InputError with file:line and the text that is no number, or the count that
/// differs.
template <class T>
TextTable<T> parse_table(const TextFile& file, const TableOptions& options);

}  // namespace kith
