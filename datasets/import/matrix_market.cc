#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/import/formats.h"
#include "kith/datasets/import/sparse_matrix.h"
#include "kith/datasets/import/text_lines.h"

// Boisvert, Pozo, Remington, "The Matrix Market exchange formats" (NISTIR 5935, 1996): a banner, comments
// (%), a line of rows, columns and entries, then an entry a line, numbered from 1. Of the four fields,
// pattern, integer and real are graphs; of the symmetries, general and symmetric (the lower triangle is
// stored and stands for both directions).

namespace kith {
namespace {

constexpr std::string_view kBanner = "%%matrixmarket";
constexpr std::int64_t kMostRows = std::int64_t{1} << 60;

struct Banner {
  bool values = false;     ///< an entry has a third column
  bool symmetric = false;  ///< an entry off the diagonal stands for two edges
};

struct Entries {
  Array<std::int64_t> row, column;
  Array<float> value;  ///< empty for pattern
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

Banner parse_banner(std::string_view line) {
  LineNumbers words(line);
  if (lower(words.word()) != kBanner) throw LineFault{line.data(), "no %%MatrixMarket banner"};
  const std::string object = lower(words.word()), layout = lower(words.word()), field = lower(words.word()),
                    symmetry = lower(words.word());
  auto refuse = [&](std::string_view what, const std::string& found, std::string_view known) {
    throw LineFault{line.data(), fmt::format("{} \"{}\" is not a graph; {}", what, found, known)};
  };
  if (object != "matrix") refuse("object", object, "matrix is read");
  if (layout != "coordinate") refuse("layout", layout, "coordinate (sparse) is read");
  if (field != "pattern" && field != "integer" && field != "real")
    refuse("field", field, "pattern, integer and real are read");
  if (symmetry != "general" && symmetry != "symmetric")
    refuse("symmetry", symmetry, "general and symmetric are read");
  return {field != "pattern", symmetry == "symmetric"};
}

bool is_comment_or_blank(std::string_view line) {
  const auto first = line.find_first_not_of(" \t\r");
  return first == std::string_view::npos || line[first] == '%';
}

Entries parse_entries(const TextLines& lines, std::int64_t n, const Banner& banner) {
  const auto count = static_cast<std::size_t>(lines.count());
  Entries entries{Array<std::int64_t>(count), Array<std::int64_t>(count),
                  Array<float>(banner.values ? count : 0)};
  lines.parse([&](std::int64_t, std::int64_t i, std::string_view line) {
    LineNumbers numbers(line);
    entries.row[i] = numbers.whole("row", 1, n) - 1;
    entries.column[i] = numbers.whole("column", 1, n) - 1;
    if (banner.values) entries.value[i] = numbers.real("value");
    numbers.expect_end(banner.values ? "row, column and value" : "row and column");
    if (banner.symmetric && entries.column[i] > entries.row[i])
      throw LineFault{line.data(),
                      fmt::format("entry ({}, {}) is above the diagonal; a symmetric file stores the lower "
                                  "triangle only (write \"general\" in the banner if it stores both)",
                                  entries.row[i] + 1, entries.column[i] + 1)};
  });
  return entries;
}

template <class T>
Array<T> joined(const Array<T>& a, const Array<T>& b, const Array<std::int64_t>& which) {
  if (a.empty()) return {};
  Array<T> out(a.size() + which.size());
  std::copy(a.begin(), a.end(), out.begin());
  for (std::int64_t i = 0; i < which.ssize(); ++i) out[a.ssize() + i] = b[which[i]];
  return out;
}

/// Behind the entries, the mirror image of those off the diagonal.
Entries mirrored(Entries entries) {
  Array<std::int64_t> off(entries.row.size());
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < entries.row.ssize(); ++i)
    if (entries.row[i] != entries.column[i]) off[count++] = i;
  off.shrink(static_cast<std::size_t>(count));
  return {joined(entries.row, entries.column, off), joined(entries.column, entries.row, off),
          joined(entries.value, entries.value, off)};
}

Entries read_entries(const TextFile& file, std::int64_t& n) {
  const char* at = file.text().data();
  const char* end = at + file.text().size();
  try {
    const Banner banner = parse_banner(next_line(at, end));
    std::string_view line = next_line(at, end);
    while (at < end && is_comment_or_blank(line)) line = next_line(at, end);
    const auto bytes = static_cast<std::int64_t>(file.text().size());
    LineNumbers sizes(line);
    n = sizes.whole("number of rows", 1, kMostRows);
    const std::int64_t columns = sizes.whole("number of columns", 1, kMostRows);
    const std::int64_t count = sizes.whole("number of entries", 0, bytes);
    sizes.expect_end("rows, columns and entries");
    if (columns != n)
      throw LineFault{line.data(), fmt::format("a matrix of {} × {} is not square, so it is no graph of one "
                                               "kind of nodes",
                                               n, columns)};
    if (n > plausible_nodes(count))
      throw LineFault{line.data(), fmt::format("{} rows for {} entries are more than {}: number the nodes "
                                               "without gaps",
                                               n, count, plausible_nodes(count))};
    const TextLines lines(file, at, is_comment_or_blank);
    if (lines.count() != count)
      throw LineFault{line.data(),
                      fmt::format("{} entries are announced, {} follow: the file is {}", count, lines.count(),
                                  lines.count() < count ? "cut off" : "too long")};
    expect_room(file.where(), 40.0 * static_cast<double>(count));
    Entries entries = parse_entries(lines, n, banner);
    return banner.symmetric ? mirrored(std::move(entries)) : std::move(entries);
  } catch (const LineFault& fault) {
    tell(file, fault);
  }
}

}  // namespace

bool recognises_matrix_market(const std::filesystem::path& raw, const ImportRequest&) {
  return std::filesystem::is_regular_file(raw) && without_gz(raw).extension() == ".mtx";
}

RawDataset read_matrix_market(const std::filesystem::path& raw, const ImportRequest& request) {
  const TextFile file(raw);
  RawDataset data;
  data.name = without_gz(raw).stem().string();
  data.from.edges = data.from.edge_weights = file.where();
  Entries entries = read_entries(file, data.nodes);
  const bool sources = rows_of(request, RowsAre::sources) == RowsAre::sources;
  Array<std::int64_t>&source = sources ? entries.row : entries.column,
  &destination = sources ? entries.column : entries.row;
  data.edges = edges_of(std::move(source), std::move(destination), data.nodes);
  set_weights(data, std::move(entries.value));
  return data;
}

}  // namespace kith
