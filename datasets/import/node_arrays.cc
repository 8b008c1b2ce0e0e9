#include "kith/datasets/import/node_arrays.h"

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/import/sparse_matrix.h"
#include "kith/datasets/npy_file.h"

namespace kith {
namespace {

namespace fs = std::filesystem;

/// One `.npy` as a set of arrays under one name.
NamedArrays single_array(const fs::path& file, std::string name) {
  return {file.string(), [name](const std::string& asked) { return asked == name; },
          [file](const std::string&, const auto& use) { use(view_of_file(file)); }};
}

void expect_rows(NodeRows& rows, const NpyView& view) {
  if (rows.rows == 0) rows.rows = view.rows();
  if (view.rows() != rows.rows)
    throw InputError(
        fmt::format("{}: {} rows, but the other arrays have {}", view.where, view.rows(), rows.rows));
}

}  // namespace

template <std::size_t N>
std::string array_named(const NamedArrays& arrays, const char* const (&names)[N], const std::string& asked) {
  if (!asked.empty()) {
    if (!arrays.has(asked)) throw InputError(fmt::format("{}: no array \"{}\"", arrays.where, asked));
    return asked;
  }
  for (const char* name : names)
    if (arrays.has(name)) return name;
  return "";
}
template std::string array_named(const NamedArrays&, const char* const (&)[5], const std::string&);
template std::string array_named(const NamedArrays&, const char* const (&)[4], const std::string&);

NodeRows attach_arrays(RawDataset& raw, const NamedArrays& arrays, const NodeTableOptions& options) {
  NodeRows rows;
  rows.where = arrays.where;
  const bool any = options.features.empty() || options.features == "rest";
  const auto with = [&](const std::string& name, const auto& use) {
    if (!name.empty())
      arrays.with(name, [&](const NpyView& view) {
        expect_rows(rows, view);
        use(view);
      });
  };
  with(array_named(arrays, kFeatureNames, any ? "" : options.features), [&](const NpyView& view) {
    raw.features = features_of(view);
    raw.from.features = view.where;
  });
  with(array_named(arrays, kLabelNames, options.label), [&](const NpyView& view) { set_labels(raw, view); });
  with(array_named(arrays, kIdNames, options.id), [&](const NpyView& view) {
    rows.ids = ids_of(view);
    rows.has_ids = true;
  });
  Array<std::int64_t>* splits[3] = {&raw.split.train, &raw.split.valid, &raw.split.test};
  for (int s = 0; s < 3; ++s)
    if (const std::string name = array_named(arrays, kSplitNames[s], ""); !name.empty())
      arrays.with(name, [&](const NpyView& view) {
        *splits[s] = ids_of(view);
        raw.from.split[s] = view.where;
      });
  if (rows.rows == 0)
    throw InputError(arrays.where +
                     ": neither features nor labels are there; --features and --label name arrays");
  return rows;
}

namespace {

bool is_array_file(const fs::path& file) { return file.extension() == ".npy"; }

/// `--label FILE.npy` beside a table: an array with as many rows.
void attach_label_file(RawDataset& raw, const fs::path& file, std::int64_t rows) {
  const NpyFile array(file);
  if (array.view().rows() != rows)
    throw InputError(
        fmt::format("{}: {} rows, but the table has {}", file.string(), array.view().rows(), rows));
  set_labels(raw, array.view());
}

}  // namespace

NodeRows attach_text(RawDataset& raw, const NodeTableOptions& options);

void attach_nodes(RawDataset& raw, const NodeTableOptions& options) {
  if (!fs::exists(options.file))
    throw InputError(fmt::format("--nodes {}: there is no such file or folder", options.file.string()));
  NodeTableOptions table = options;
  const bool label_file = is_array_file(options.label);
  if (label_file) table.label.clear();
  NodeRows rows;
  if (fs::is_directory(options.file))
    rows = attach_arrays(raw, arrays_in_folder(options.file), table);
  else if (options.file.extension() == ".npz")
    rows = attach_arrays(raw, arrays_in_npz(options.file), table);
  else if (is_array_file(options.file))
    rows = attach_arrays(raw, single_array(options.file, "features"), table);
  else
    rows = attach_text(raw, table);
  if (label_file) attach_label_file(raw, options.label, rows.rows);
  renumber_by_rows(raw, std::move(rows));
}

}  // namespace kith
