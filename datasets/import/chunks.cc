#include "kith/datasets/import/chunks.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/import/edge_pairs.h"
#include "kith/datasets/import/sparse_matrix.h"
#include "kith/datasets/import/text_lines.h"
#include "kith/datasets/npy_file.h"

namespace kith {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_format(const Chunks& chunks) {
  const std::string& format = chunks.format;
  if (format == "parquet")
    throw InputError(
        fmt::format("{}: parquet is not read here; convert it with python/kith_convert "
                    "(kith-convert parquet), or write numpy chunks",
                    chunks.where));
  throw InputError(fmt::format("{}: format \"{}\" is not read; numpy and csv are", chunks.where, format));
}

bool passed_over(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos || line.front() == '#';
}

/// Numbers of a csv without header, as fp32 rows (values) or int64 rows (ids).
template <class T>
struct CsvTable {
  std::int64_t rows = 0, columns = 0;
  Array<T> values;
};

template <class T>
CsvTable<T> read_csv(const fs::path& path, char delimiter) {
  const TextFile file(path);
  const char* begin = file.text().data();
  const char* end = begin + file.text().size();
  const TextLines lines(file, begin, passed_over);
  CsvTable<T> table;
  table.rows = lines.count();
  if (table.rows == 0) return table;
  const char* first = lines.begin_of(0);
  const std::string_view line = next_line(first, end);
  const bool blanks = delimiter == ' ' || delimiter == '\t';
  table.columns = blanks ? 0 : 1 + std::count(line.begin(), line.end(), delimiter);
  if (blanks)
    for (LineNumbers words(line); !words.done(); ++table.columns) words.word();
  // Every column but a line's first has a separator: an honest table cannot be larger, and must not size an
  // allocation.
  if (table.rows > static_cast<std::int64_t>(file.text().size()) / std::max<std::int64_t>(1, table.columns))
    throw InputError(fmt::format("{}: {} lines of {} columns, as the first line has, do not fit in {} bytes",
                                 file.where(), table.rows, table.columns, file.text().size()));
  table.values = Array<T>(static_cast<std::size_t>(table.rows * table.columns));
  lines.parse([&](std::int64_t, std::int64_t i, std::string_view text) {
    T* out = table.values.data() + i * table.columns;
    std::int64_t column = 0;
    auto take = [&](std::string_view field) {
      if (column == table.columns)
        throw LineFault{field.data(),
                        fmt::format("more columns than the {} of the first line", table.columns)};
      LineNumbers number(field);
      if constexpr (std::is_integral_v<T>)
        out[column++] = number.whole("id", 0, std::int64_t{1} << 60);
      else
        out[column++] = number.real("value");
      number.expect_end("one number a column");
    };
    if (blanks) {
      for (LineNumbers words(text); !words.done();) take(words.word());
    } else {
      for (std::size_t at = 0; at <= text.size();) {
        const std::size_t stop = std::min(text.find(delimiter, at), text.size());
        take(text.substr(at, stop - at));
        at = stop + 1;
      }
    }
    if (column != table.columns)
      throw LineFault{text.data(), fmt::format("{} columns, the first line has {}", column, table.columns)};
  });
  return table;
}

void use_csv(const Chunks& chunks, const std::function<void(const NpyView&)>& use) {
  CsvTable<float> whole;
  for (const fs::path& file : chunks.files) {
    CsvTable<float> table = read_csv<float>(file, chunks.delimiter);
    if (whole.rows > 0 && table.rows > 0 && table.columns != whole.columns)
      throw InputError(fmt::format("{}: {} columns, the chunk before it has {}", file.string(), table.columns,
                                   whole.columns));
    Array<float> joined(whole.values.size() + table.values.size());
    std::copy(table.values.begin(), table.values.end(),
              std::copy(whole.values.begin(), whole.values.end(), joined.begin()));
    whole = {whole.rows + table.rows, std::max(whole.columns, table.columns), std::move(joined)};
  }
  NpyView view;
  view.header.dtype = DType::f32;
  view.header.shape = {whole.rows, whole.columns};
  if (whole.columns == 1) view.header.shape.pop_back();
  view.data = std::as_bytes(whole.values.span());
  view.where = chunks.where;
  use(view);
}

void use_numpy(const Chunks& chunks, const std::function<void(const NpyView&)>& use) {
  std::vector<NpyFile> files;
  for (const fs::path& path : chunks.files) files.emplace_back(path);
  if (files.size() == 1) return use(files.front().view());
  NpyView whole = files.front().view();
  whole.where = chunks.where;
  std::size_t bytes = 0;
  std::int64_t rows = 0;
  for (const NpyFile& file : files) {
    const NpyHeader& header = file.view().header;
    const bool fits = header.dtype == whole.header.dtype && !header.fortran_order && !header.shape.empty() &&
                      std::equal(header.shape.begin() + 1, header.shape.end(), whole.header.shape.begin() + 1,
                                 whole.header.shape.end());
    if (!fits)
      throw InputError(fmt::format("{}: {} does not continue {} of the first chunk", file.view().where,
                                   describe(header), describe(whole.header)));
    bytes += file.view().data.size();
    rows += header.shape[0];
  }
  expect_room(chunks.where, static_cast<double>(bytes));
  Array<std::byte> joined(bytes);
  std::byte* at = joined.data();
  for (const NpyFile& file : files) at = std::copy(file.view().data.begin(), file.view().data.end(), at);
  whole.header.shape[0] = rows;
  whole.data = joined.span();
  use(whole);
}

void append(Array<std::int64_t>& to, const Array<std::int64_t>& more) {
  Array<std::int64_t> joined(to.size() + more.size());
  std::copy(more.begin(), more.end(), std::copy(to.begin(), to.end(), joined.begin()));
  to = std::move(joined);
}

std::pair<Array<std::int64_t>, Array<std::int64_t>> csv_edges(const fs::path& file, char delimiter) {
  const auto table = read_csv<std::int64_t>(file, delimiter);
  if (table.rows > 0 && table.columns != 2)
    throw InputError(
        fmt::format("{}: {} columns, not 2 (source, destination)", file.string(), table.columns));
  std::pair<Array<std::int64_t>, Array<std::int64_t>> edges{Array<std::int64_t>(table.rows),
                                                            Array<std::int64_t>(table.rows)};
  for (std::int64_t e = 0; e < table.rows; ++e) {
    edges.first[e] = table.values[2 * e];
    edges.second[e] = table.values[2 * e + 1];
  }
  return edges;
}

}  // namespace

void with_array(const Chunks& chunks, const std::function<void(const NpyView&)>& use) {
  if (chunks.files.empty()) throw InputError(chunks.where + ": no files");
  if (chunks.format == "numpy") return use_numpy(chunks, use);
  if (chunks.format == "csv") return use_csv(chunks, use);
  refuse_format(chunks);
}

std::pair<Array<std::int64_t>, Array<std::int64_t>> edges_of_chunks(const Chunks& chunks) {
  if (chunks.format != "numpy" && chunks.format != "csv") refuse_format(chunks);
  std::pair<Array<std::int64_t>, Array<std::int64_t>> all;
  for (const fs::path& file : chunks.files) {
    auto edges =
        chunks.format == "csv" ? csv_edges(file, chunks.delimiter) : edge_pairs_of(NpyFile(file).view());
    append(all.first, edges.first);
    append(all.second, edges.second);
  }
  return all;
}

fs::path file_inside(const fs::path& folder, const std::string& name, const std::string& where) {
  const fs::path path(name);
  const bool leaves = path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end();
  if (name.empty() || leaves)
    throw InputError(fmt::format("{}: path \"{}\" does not lie inside {}", where, name, folder.string()));
  if (!fs::is_regular_file(folder / path))
    throw InputError(fmt::format("{}: {} is not there", where, (folder / path).string()));
  return folder / path;
}

}  // namespace kith
