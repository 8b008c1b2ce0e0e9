#include "kith/datasets/import/text_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/datasets/import/inflate.h"
#include "kith/datasets/text/real_number.h"

// The text is cut into equal pieces, moved to the next newline. Each piece is parsed on its own into its own
// numbers; the pieces are then laid one behind the other, so the result does not depend on the number of
// threads. A piece stops at its first fault; the first fault of the file is the one that is told, and only
// then are lines counted.

namespace kith {
namespace {

constexpr std::int64_t kPieceBytes = std::int64_t{1} << 21;

bool is_separator(char c) {
  return c == ' ' || c == '\t' || c == ',' || c == ';' || c == '|' || c == ':' || c == '\r';
}
const char* skip_separators(const char* at, const char* end) {
  while (at < end && is_separator(*at)) ++at;
  return at;
}
const char* token_end(const char* at, const char* end) {
  while (at < end && !is_separator(*at)) ++at;
  return at;
}
const char* line_end(const char* at, const char* end) {
  const void* found = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
  return found == nullptr ? end : static_cast<const char*>(found);
}
/// True for a line of numbers: not empty, no comment.
bool has_numbers(const char* at, const char* end) { return at < end && *at != '#' && *at != '%'; }

struct Fault {
  const char* at = nullptr;
  std::string why;
};

template <class T>
constexpr std::string_view kWanted = std::is_integral_v<T> ? "a whole number" : "a number";

/// What the lines of a file have in common.
struct Layout {
  std::int64_t columns = 0;
  std::int64_t keep = 0;
};

/// A real number too small for its type is 0.
template <class T>
bool vanishes(std::string_view token, T& value) {
  if constexpr (std::is_floating_point_v<T>) {
    const std::optional<double> wide = real_number(token);
    if (!wide || !std::isfinite(static_cast<T>(*wide))) return false;
    value = static_cast<T>(*wide);
    return true;
  }
  return false;
}

/// Writes the kept columns of one line to `out`; a fault says where and why not.
template <class T>
Fault parse_line(const char* at, const char* end, Layout layout, T* out) {
  for (std::int64_t column = 0; column < layout.columns; ++column) {
    if (at == end) return {at, fmt::format("{} columns, the first line has {}", column, layout.columns)};
    if (column >= layout.keep) {
      at = skip_separators(token_end(at, end), end);
      continue;
    }
    auto [next, error] = std::from_chars(at, end, out[column]);
    if (error == std::errc::result_out_of_range &&
        vanishes({at, static_cast<std::size_t>(token_end(at, end) - at)}, out[column]))
      error = std::errc{};
    if (error != std::errc{} || (next < end && !is_separator(*next))) {
      const std::string_view token(
          at, static_cast<std::size_t>(std::min<std::ptrdiff_t>(token_end(at, end) - at, 40)));
      return {at, error == std::errc::result_out_of_range
                      ? fmt::format("\"{}\" is out of range", token)
                      : fmt::format("\"{}\" is not {}", token, kWanted<T>)};
    }
    at = skip_separators(next, end);
  }
  if (at == end) return {};
  return {at, fmt::format("more columns than the {} of the first line", layout.columns)};
}

/// Calls use(first, end) for every line of numbers, until it returns false.
template <class Use>
void for_lines(const char* at, const char* end, Use&& use) {
  while (at < end) {
    const char* stop = line_end(at, end);
    const char* first = skip_separators(at, stop);
    if (has_numbers(first, stop) && !use(first, stop)) return;
    at = stop + 1;
  }
}

[[noreturn]] void tell(const TextFile& file, const Fault& fault) {
  const std::string_view text = file.text();
  const auto line = 1 + std::count(text.data(), std::min(fault.at, text.data() + text.size()), '\n');
  throw InputError(fmt::format("{}:{}: {}", file.where(), line, fault.why));
}

/// Where the numbers begin, and what their first line looks like.
struct Beginning {
  const char* at = nullptr;
  std::int64_t columns = 0;
  bool header = false;
};

bool is_number(const char* begin, const char* end) {
  double value = 0;
  const auto [stop, error] = std::from_chars(begin, end, value);
  return stop == end && error != std::errc::invalid_argument;
}

std::int64_t count_columns(const char* at, const char* end) {
  std::int64_t columns = 0;
  for (at = skip_separators(at, end); at < end; at = skip_separators(token_end(at, end), end)) ++columns;
  return columns;
}

Beginning find_beginning(const TextFile& file, const TableOptions& options) {
  const char* at = file.text().data();
  const char* const end = at + file.text().size();
  bool header = false;
  while (at < end) {
    const char* stop = line_end(at, end);
    const char* first = skip_separators(at, stop);
    if (has_numbers(first, stop)) {
      // A header is one line whose first column is no number.
      const bool text = !is_number(first, token_end(first, stop));
      if (!(options.may_have_header && !header && text)) return {at, count_columns(first, stop), header};
      header = true;
    }
    at = stop + 1;
  }
  throw InputError(fmt::format("{}: the file is empty: no line of numbers", file.where()));
}

/// The beginnings of the pieces, each behind a newline, and the end.
std::vector<const char*> piece_bounds(const char* begin, const char* end) {
  std::vector<const char*> bounds{begin};
  while (end - bounds.back() > kPieceBytes) {
    const char* stop = line_end(bounds.back() + kPieceBytes, end);
    if (stop == end) break;
    bounds.push_back(stop + 1);
  }
  bounds.push_back(end);
  return bounds;
}

/// So many rows of the first line's columns do not fit in the file: finds the line that is too short.
[[noreturn]] void tell_short_line(const TextFile& file, const char* begin, Layout layout) {
  Fault fault;
  for_lines(begin, file.text().data() + file.text().size(), [&](const char* at, const char* end) {
    const std::int64_t columns = count_columns(at, end);
    if (columns != layout.columns)
      fault = {at, fmt::format("{} columns, the first line has {}", columns, layout.columns)};
    return fault.at == nullptr;
  });
  tell(file, fault);
}

/// The number of rows before each piece, and of all.
std::vector<std::int64_t> first_rows(const std::vector<const char*>& bounds) {
  const auto pieces = static_cast<std::int64_t>(bounds.size()) - 1;
  std::vector<std::int64_t> rows(bounds.size(), 0);
  parallel_for(0, pieces, 1, [&](std::int64_t piece, std::int64_t) {
    std::int64_t count = 0;
    for_lines(bounds[piece], bounds[piece + 1], [&](const char*, const char*) { return ++count > 0; });
    rows[piece] = count;
  });
  exclusive_prefix_sum(rows.data(), static_cast<std::int64_t>(rows.size()));
  return rows;
}

}  // namespace

TextFile::TextFile(const std::filesystem::path& path)
    : file_(path, MappedFile::Access::sequential), where_(path.string()) {
  auto bytes = file_.bytes();
  if (path.extension() == ".gz") {
    inflated_ = gunzipped(bytes, where_);
    bytes = inflated_.span();
  }
  text_ = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class T>
TextTable<T> parse_table(const TextFile& file, const TableOptions& options) {
  const Beginning beginning = find_beginning(file, options);
  TextTable<T> table;
  table.all_columns = beginning.columns;
  table.columns = options.keep == 0 ? beginning.columns : std::min(options.keep, beginning.columns);
  table.header = beginning.header;
  const auto bounds = piece_bounds(beginning.at, file.text().data() + file.text().size());
  const std::vector<std::int64_t> first_row = first_rows(bounds);
  const Layout layout{table.all_columns, table.columns};
  table.rows = first_row.back();
  if (table.rows > static_cast<std::int64_t>(file.text().size()) / table.columns)
    tell_short_line(file, beginning.at, layout);
  table.values = Array<T>(table.rows * table.columns);
  std::vector<Fault> faults(bounds.size() - 1);
  parallel_for(0, static_cast<std::int64_t>(faults.size()), 1, [&](std::int64_t piece, std::int64_t) {
    T* out = table.values.data() + first_row[piece] * table.columns;
    for_lines(bounds[piece], bounds[piece + 1], [&](const char* at, const char* end) {
      faults[piece] = parse_line(at, end, layout, out);
      out += layout.keep;
      return faults[piece].at == nullptr;
    });
  });
  for (const Fault& fault : faults)
    if (fault.at != nullptr) tell(file, fault);
  return table;
}

template TextTable<std::int64_t> parse_table(const TextFile&, const TableOptions&);
template TextTable<float> parse_table(const TextFile&, const TableOptions&);

}  // namespace kith
