#include <algorithm>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/datasets/import/formats.h"
#include "kith/datasets/import/sparse_matrix.h"
#include "kith/datasets/import/text_table.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 1 << 16;

/// "edges.txt:17" of a row of the table: told only when there is something to tell, so the lines are walked.
std::string line_of_row(const TextFile& file, const TextTable<std::int64_t>& table, std::int64_t row) {
  std::int64_t line = 0;
  std::int64_t seen = table.header ? -1 : 0;
  std::string_view text = file.text();
  while (!text.empty()) {
    ++line;
    const std::string_view one = text.substr(0, text.find('\n'));
    const std::size_t first = one.find_first_not_of(" \t\r,;:|");
    const bool numbers = first != std::string_view::npos && one[first] != '#' && one[first] != '%';
    if (numbers && seen++ == row) break;
    text.remove_prefix(std::min(text.size(), one.size() + 1));
  }
  return fmt::format("{}:{}", file.where(), line);
}

std::int64_t largest_id(const TextFile& file, const TextTable<std::int64_t>& table) {
  struct Extremes {
    std::int64_t first_negative = std::numeric_limits<std::int64_t>::max();
    std::int64_t largest = -1;
  };
  const Extremes found = parallel_reduce(
      0, table.values.ssize(), kGrain, Extremes{},
      [&](std::int64_t begin, std::int64_t end) {
        Extremes here;
        for (std::int64_t i = end; i-- > begin;) {
          if (table.values[i] < 0) here.first_negative = i;
          here.largest = std::max(here.largest, table.values[i]);
        }
        return here;
      },
      [](Extremes a, Extremes b) {
        return Extremes{std::min(a.first_negative, b.first_negative), std::max(a.largest, b.largest)};
      });
  if (found.first_negative < table.values.ssize())
    throw InputError(fmt::format("{}: id {} is negative, outside [0, 2^63)",
                                 line_of_row(file, table, found.first_negative / table.columns),
                                 table.values[found.first_negative]));
  return found.largest;
}

/// Numbers the ids that occur 0, 1, …; keeps them as the user's ids.
void renumber(RawDataset& raw, TextTable<std::int64_t>& table) {
  std::vector<std::int64_t> ids(table.values.begin(), table.values.end());
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  parallel_for(0, table.values.ssize(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      table.values[i] = std::lower_bound(ids.begin(), ids.end(), table.values[i]) - ids.begin();
  });
  raw.nodes = static_cast<std::int64_t>(ids.size());
  raw.notes.push_back(
      fmt::format("ids up to {} have gaps: numbered anew, kept as the user's ids", ids.back()));
  raw.node_ids = copy_of(std::span<const std::int64_t>(ids));
}

template <class Index>
OwnedColumns<Index> columns_of(const TextTable<std::int64_t>& table) {
  OwnedColumns<Index> edges{Array<Index>(table.rows), Array<Index>(table.rows)};
  parallel_for(0, table.rows, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t e = begin; e < end; ++e) {
      edges.source[e] = static_cast<Index>(table.values[2 * e]);
      edges.destination[e] = static_cast<Index>(table.values[2 * e + 1]);
    }
  });
  return edges;
}

std::filesystem::path without_gz(std::filesystem::path path) {
  return path.extension() == ".gz" ? path.replace_extension() : path;
}

}  // namespace

bool recognises_edge_list(const std::filesystem::path& raw, const ImportRequest&) {
  const auto extension = without_gz(raw).extension();
  return std::filesystem::is_regular_file(raw) &&
         (extension == ".txt" || extension == ".csv" || extension == ".tsv" || extension == ".edges");
}

RawDataset read_edge_list(const std::filesystem::path& raw, const ImportRequest&) {
  const TextFile file(raw);
  auto table = parse_table<std::int64_t>(file, {.keep = 2, .may_have_header = true});
  if (table.columns < 2)
    throw InputError(
        fmt::format("{}: one column; an edge needs a source and a destination", line_of_row(file, table, 0)));
  RawDataset data;
  data.name = without_gz(raw).stem().string();
  data.from.edges = file.where();
  const std::int64_t largest = largest_id(file, table);
  // Few ids are missing: the missing are isolated nodes. Many: the ids are names, and must not size an array.
  if (largest < 4 * table.rows + 1024)
    data.nodes = largest + 1;
  else
    renumber(data, table);
  if (table.all_columns > 2)
    data.notes.push_back(fmt::format("columns 3 to {} of the edges were left out", table.all_columns));
  if (data.nodes <= std::numeric_limits<std::int32_t>::max())
    data.edges = columns_of<std::int32_t>(table);
  else
    data.edges = columns_of<std::int64_t>(table);
  return data;
}

}  // namespace kith
