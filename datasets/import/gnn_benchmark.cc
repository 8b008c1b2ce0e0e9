#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/import/formats.h"
#include "kith/datasets/import/npz.h"
#include "kith/datasets/import/sparse_matrix.h"

// SciPy CSR matrices by their members: adj_{data,indices,indptr,shape} and attr_{…}; labels. The adjacency of
// some (Amazon) is directed and asymmetric although the data set is used undirected.

namespace kith {
namespace {

SparseMatrix matrix_of(const NpzFile& file, const std::string& prefix) {
  SparseMatrix matrix;
  matrix.where = fmt::format("{}: {}", file.where(), prefix);
  const NpzArray shape = file.array(prefix + "_shape");
  shape.view.expect_shape({2});
  const Array<std::int64_t> lengths = shape.view.copied<std::int64_t>();
  matrix.rows = lengths[0];
  matrix.cols = lengths[1];
  matrix.indptr = file.array(prefix + "_indptr").view.copied<std::int64_t>();
  matrix.indices = file.array(prefix + "_indices").view.copied<std::int64_t>();
  matrix.values = file.array(prefix + "_data").view.copied<float>();
  if (matrix.indptr.empty()) throw InputError(matrix.where + "_indptr: empty");
  check(matrix);
  return matrix;
}

}  // namespace

bool recognises_gnn_benchmark(const std::filesystem::path& raw, const ImportRequest&) {
  return is_npz_with(raw, {"adj_indptr", "adj_indices", "adj_shape", "labels"});
}

RawDataset read_gnn_benchmark(const std::filesystem::path& raw, const ImportRequest& request) {
  const NpzFile file(raw);
  RawDataset data;
  data.name = raw.stem().string();
  data.meant_undirected = true;
  data.self_loops = SelfLoops::drop;
  data.from.edges = file.where() + ": adj";
  data.from.features = file.where() + ": attr";
  const SparseMatrix adjacency = matrix_of(file, "adj");
  if (adjacency.rows != adjacency.cols)
    throw InputError(
        fmt::format("{}: shape [{}, {}] is not square", adjacency.where, adjacency.rows, adjacency.cols));
  data.nodes = adjacency.rows;
  data.edges = edges_of(adjacency, rows_of(request, RowsAre::sources));
  if (file.has("attr_data")) data.features = dense_of(matrix_of(file, "attr"));
  set_labels(data, file.array("labels").view);
  return data;
}

}  // namespace kith
