#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/import/node_columns.h"
#include "kith/datasets/import/sparse_matrix.h"
#include "kith/datasets/import/text_lines.h"
#include "kith/datasets/text/real_number.h"

// A table of nodes as text: a header of column names, then a line per node. The separator is the first of
// tab, comma, semicolon and bar that the header holds, else blanks; a field in double quotes may hold it.
// Every column gets one role: id, label, split, feature, or none.

namespace kith {

NodeRows attach_text(RawDataset& raw, const NodeTableOptions& options);

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::size_t kShown = 40;

bool is_missing(std::string_view field) {
  return field.empty() || field == "nan" || field == "NaN" || field == "NA" || field == "-1" ||
         field == "None";
}

std::uint8_t split_number(std::string_view field) {
  if (field.empty() || field == "none" || field == "None" || field == "nan" || field == "-") return 0;
  if (field == "train") return 1;
  if (field == "valid" || field == "val" || field == "validation" || field == "dev") return 2;
  if (field == "test") return 3;
  throw LineFault{field.data(), fmt::format("split \"{}\" is none of train, valid, test and empty",
                                            field.substr(0, kShown))};
}

float feature_number(std::string_view field, const std::string& column) {
  const std::optional<double> value = real_number(field);
  if (!value)
    throw LineFault{field.data(),
                    fmt::format("column \"{}\": \"{}\" is not a number; --features chooses the columns",
                                column, field.substr(0, kShown))};
  const auto narrow = static_cast<float>(*value);
  if (!std::isfinite(narrow))
    throw LineFault{field.data(),
                    fmt::format("column \"{}\": {} is not finite in fp32", column, field.substr(0, kShown))};
  return narrow;
}

float multi_number(std::string_view field, const std::string& column) {
  if (field == "0" || field == "1") return field == "1" ? 1.0F : 0.0F;
  if (is_missing(field)) return kNan;
  throw LineFault{field.data(), fmt::format("column \"{}\": label \"{}\" is none of 0, 1 and empty", column,
                                            field.substr(0, kShown))};
}

/// The table's fields, parsed.
struct Parsed {
  Fields ids, labels;
  Array<std::uint8_t> splits;
  Array<float> features, multi;
};

Parsed parse(const TextLines& lines, char separator, const NodeColumns& columns, const NodeRoles& roles) {
  const auto rows = static_cast<std::size_t>(lines.count());
  Parsed parsed;
  if (roles.id >= 0) parsed.ids.resize(rows);
  if (roles.labels.size() == 1) parsed.labels.resize(rows);
  if (roles.labels.size() > 1) parsed.multi = Array<float>(rows * roles.labels.size());
  if (roles.split >= 0) parsed.splits = Array<std::uint8_t>(rows);
  parsed.features = Array<float>(rows * roles.features.size());
  std::vector<Fields> fields_of(static_cast<std::size_t>(lines.pieces()));
  lines.parse([&](std::int64_t piece, std::int64_t i, std::string_view line) {
    Fields& fields = fields_of[piece];
    split_line(line, separator, fields);
    if (fields.size() != columns.size())
      throw LineFault{line.data(),
                      fmt::format("{} columns, the header has {}", fields.size(), columns.size())};
    if (roles.id >= 0) parsed.ids[i] = fields[roles.id];
    if (roles.labels.size() == 1) parsed.labels[i] = fields[roles.labels[0]];
    if (roles.split >= 0) parsed.splits[i] = split_number(fields[roles.split]);
    for (std::size_t c = 0; roles.labels.size() > 1 && c < roles.labels.size(); ++c)
      parsed.multi[i * static_cast<std::int64_t>(roles.labels.size()) + static_cast<std::int64_t>(c)] =
          multi_number(fields[roles.labels[c]], columns[roles.labels[c]]);
    float* row = parsed.features.data() + i * static_cast<std::int64_t>(roles.features.size());
    for (const int column : roles.features) *row++ = feature_number(fields[column], columns[column]);
  });
  return parsed;
}

[[noreturn]] void tell_row(const TextLines& lines, std::int64_t row, const std::string& why) {
  throw InputError(fmt::format("{}: {}", lines.where(row), why));
}

/// Whole numbers as they are; texts numbered in alphabetical order.
void set_label_column(RawDataset& raw, const TextLines& lines, const Fields& labels) {
  raw.classes = Array<std::int64_t>(labels.size(), std::int64_t{-1});
  std::int64_t numbers = 0, text = -1;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (is_missing(labels[i])) continue;
    const std::optional<double> value = real_number(labels[i]);
    if (!value) {
      if (text < 0) text = static_cast<std::int64_t>(i);
      continue;
    }
    if (*value != std::floor(*value) || *value < 0 || *value >= static_cast<double>(kMostClasses))
      tell_row(lines, static_cast<std::int64_t>(i),
               fmt::format("label {} is no class in [0, {})", labels[i].substr(0, kShown), kMostClasses));
    raw.classes[i] = static_cast<std::int64_t>(*value);
    raw.class_count = std::max(raw.class_count, raw.classes[i] + 1);
    ++numbers;
  }
  if (text < 0) return;
  if (numbers > 0)
    tell_row(lines, text,
             fmt::format("label \"{}\" is no number, but {} others are; use numbers, or texts, in all rows",
                         labels[text].substr(0, kShown), numbers));
  std::map<std::string_view, std::int64_t> number_of;
  for (const std::string_view label : labels)
    if (!is_missing(label)) number_of.emplace(label, 0);
  for (auto& [label, number] : number_of) number = raw.class_count++;
  if (raw.class_count > kMostClasses)
    tell_row(lines, text, fmt::format("{} different labels are more than {}", raw.class_count, kMostClasses));
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (!is_missing(labels[i])) raw.classes[i] = number_of[labels[i]];
  std::string said;
  for (const auto& [label, number] : number_of) {
    if (number == 8) {
      said += ", …";
      break;
    }
    said += fmt::format("{}{} = {}", said.empty() ? "" : ", ", label, number);
  }
  raw.notes.push_back("labels are numbered in alphabetical order: " + said);
}

void set_splits(RawDataset& raw, const Array<std::uint8_t>& splits, const std::string& where) {
  Array<std::int64_t>* ids[3] = {&raw.split.train, &raw.split.valid, &raw.split.test};
  for (int s = 0; s < 3; ++s) {
    std::vector<std::int64_t> members;
    for (std::int64_t i = 0; i < splits.ssize(); ++i)
      if (splits[i] == s + 1) members.push_back(i);
    *ids[s] = copy_of(std::span<const std::int64_t>(members));
    raw.from.split[s] = where;
  }
}

/// Numbers where all are, else texts.
void set_ids(NodeRows& rows, const TextLines& lines, const Fields& ids) {
  rows.has_ids = true;
  rows.ids = Array<std::int64_t>(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i].empty()) tell_row(lines, static_cast<std::int64_t>(i), "the id is empty");
    const auto [end, error] = std::from_chars(ids[i].data(), ids[i].data() + ids[i].size(), rows.ids[i]);
    if (error == std::errc{} && end == ids[i].data() + ids[i].size()) continue;
    rows.ids = {};
    rows.names.assign(ids.begin(), ids.end());
    rows.first_text = static_cast<std::int64_t>(i);
    return;
  }
}

}  // namespace

NodeRows attach_text(RawDataset& raw, const NodeTableOptions& options) {
  const TextFile file(options.file);
  const char* at = file.text().data();
  const char* end = at + file.text().size();
  if (file.text().starts_with("\xEF\xBB\xBF")) at += 3;
  std::string_view header = next_line(at, end);
  while (at < end && is_blank_or_comment(header)) header = next_line(at, end);
  if (is_blank_or_comment(header))
    throw InputError(file.where() + ": empty; a header of column names is expected");
  const char separator = separator_of(header);
  Fields names;
  try {
    split_line(header, separator, names);
  } catch (const LineFault& fault) {
    tell(file, fault);
  }
  const NodeColumns columns(file.where(), {names.begin(), names.end()});
  const NodeRoles roles = columns.roles(options);
  const TextLines lines(file, at, is_blank_or_comment);
  NodeRows rows;
  rows.where = file.where();
  rows.rows = lines.count();
  // The text is mapped again when there is something to tell: it is gone when ids are compared with the
  // edges.
  rows.line_of = [path = options.file, begin = at - file.text().data()](std::int64_t row) {
    const TextFile again(path);
    return TextLines(again, again.text().data() + begin, is_blank_or_comment).where(row);
  };
  // A line has a separator a column: more lines than that are too short, and must not size an allocation.
  if (rows.rows > static_cast<std::int64_t>((file.text().size() + 1) / columns.size()))
    throw InputError(fmt::format("{}: {} lines of {} columns, as the header has, do not fit in {} bytes",
                                 file.where(), rows.rows, columns.size(), file.text().size()));
  expect_room(file.where(),
              4.0 * static_cast<double>(rows.rows) * static_cast<double>(roles.features.size()));
  Parsed parsed = parse(lines, separator, columns, roles);
  if (!roles.features.empty()) {
    raw.features = {};
    raw.features.rows = rows.rows;
    raw.features.cols = static_cast<std::int64_t>(roles.features.size());
    raw.features.bytes = copy_of(std::as_bytes(parsed.features.span()));
    raw.from.features = file.where();
  }
  raw.from.labels = roles.labels.empty() ? raw.from.labels : file.where();
  if (roles.labels.size() == 1) set_label_column(raw, lines, parsed.labels);
  if (roles.labels.size() > 1) {
    raw.multi_labels = std::move(parsed.multi);
    raw.class_count = static_cast<std::int64_t>(roles.labels.size());
  }
  if (roles.split >= 0) set_splits(raw, parsed.splits, file.where());
  if (roles.id >= 0)
    set_ids(rows, lines, parsed.ids);
  else
    raw.notes.push_back(fmt::format("{} has no column of ids: row i is node i", file.where()));
  return rows;
}

}  // namespace kith
