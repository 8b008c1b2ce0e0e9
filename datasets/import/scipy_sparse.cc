#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/import/edge_pairs.h"
#include "kith/datasets/import/formats.h"
#include "kith/datasets/import/npz.h"
#include "kith/datasets/import/sparse_matrix.h"

// scipy.sparse.save_npz: `format` (csr, csc or coo, a NumPy byte string), `shape`, `data`, and `indices` and
// `indptr`, or `row` and `col`; newer coo_arrays have `coords` [2, E] in their place.

namespace kith {
namespace {

/// A text of no dimensions, in NumPy's byte or UCS-4 form. Those are no element types of ours, so the letters
/// behind the header are taken as they are; zero bytes pad both forms.
std::string text_scalar(const NpzFile& file, std::string_view name) {
  const ZipBytes raw = file.bytes(name);
  const std::string_view all(reinterpret_cast<const char*>(raw.bytes.data()), raw.bytes.size());
  const std::size_t header = all.find('\n');
  std::string text;
  if (all.starts_with("\x93NUMPY") && header != std::string_view::npos)
    for (const char c : all.substr(header + 1, 64))
      if (c != '\0') text += c;
  return text;
}

struct Shape {
  std::int64_t rows, cols;
};

Shape square_shape(const NpzFile& file) {
  const NpzArray array = file.array("shape");
  array.view.expect_shape({2});
  const Array<std::int64_t> lengths = array.view.copied<std::int64_t>();
  if (lengths[0] != lengths[1] || lengths[0] < 1)
    throw InputError(
        fmt::format("{}: a matrix of {} × {} is not square, so it is no graph of one kind of nodes",
                    array.view.where, lengths[0], lengths[1]));
  return {lengths[0], lengths[1]};
}

Array<std::int64_t> whole_numbers(const NpzFile& file, std::string_view name) {
  const NpzArray array = file.array(name);
  array.view.expect_shape({-1});
  return array.view.copied<std::int64_t>();
}

Array<float> values_of(const NpzFile& file) {
  const NpzArray array = file.array("data");
  array.view.expect_shape({-1});
  return array.view.copied<float>();
}

RowsAre other(RowsAre rows) { return rows == RowsAre::sources ? RowsAre::destinations : RowsAre::sources; }

void set_compressed(RawDataset& data, const NpzFile& file, RowsAre rows_are) {
  SparseMatrix matrix;
  matrix.where = file.where();
  matrix.rows = matrix.cols = data.nodes;
  matrix.indptr = whole_numbers(file, "indptr");
  matrix.indices = whole_numbers(file, "indices");
  matrix.values = values_of(file);
  if (matrix.indptr.empty()) throw InputError(file.where() + ": indptr: empty");
  check(matrix);
  data.edges = edges_of(matrix, rows_are);
  set_weights(data, std::move(matrix.values));
}

void set_coordinates(RawDataset& data, const NpzFile& file, RowsAre rows_are) {
  std::pair<Array<std::int64_t>, Array<std::int64_t>> ends;
  if (file.has("coords"))
    ends = edge_pairs_of(file.array("coords").view);
  else
    ends = {whole_numbers(file, "row"), whole_numbers(file, "col")};
  if (data.nodes > plausible_nodes(ends.first.ssize()))
    throw InputError(
        fmt::format("{}: shape: {} rows for {} entries are more than {}: number the nodes without gaps",
                    file.where(), data.nodes, ends.first.size(), plausible_nodes(ends.first.ssize())));
  if (ends.first.size() != ends.second.size())
    throw InputError(fmt::format("{}: row: {} entries, but col has {}", file.where(), ends.first.size(),
                                 ends.second.size()));
  if (rows_are == RowsAre::destinations) std::swap(ends.first, ends.second);
  data.edges = edges_of(std::move(ends.first), std::move(ends.second), data.nodes);
  set_weights(data, values_of(file));
}

}  // namespace

bool recognises_scipy(const std::filesystem::path& raw, const ImportRequest&) {
  return is_npz_with(raw, {"format", "shape", "data"});
}

RawDataset read_scipy(const std::filesystem::path& raw, const ImportRequest& request) {
  const NpzFile file(raw);
  const std::string format = text_scalar(file, "format");
  RawDataset data;
  data.name = raw.stem().string();
  data.nodes = square_shape(file).rows;
  data.from.edges = file.where();
  data.from.edge_weights = file.where() + ": data";
  const RowsAre rows_are = rows_of(request, RowsAre::sources);
  if (format == "csr")
    set_compressed(data, file, rows_are);
  else if (format == "csc")
    set_compressed(data, file, other(rows_are));
  else if (format == "coo")
    set_coordinates(data, file, rows_are);
  else
    throw InputError(fmt::format("{}: format: \"{}\" is none of csr, csc, coo; convert it with .tocsr()",
                                 file.where(), format));
  return data;
}

}  // namespace kith
