#pragma once
#include <string>

#include "kith/core/array.h"
#include "kith/datasets/import/raw_dataset.h"
#include "kith/datasets/npy.h"

namespace kith {

/// A CSR matrix as it was found in a file.
struct SparseMatrix {
  std::string where;  ///< begins messages
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  Array<std::int64_t> indptr;
  Array<std::int64_t> indices;
  Array<float> values;  ///< one per index, or empty: all 1
};

/// Throws InputError with array, position, value and bound: indptr [rows + 1] rises from 0 to the number of
/// indices, indices lie in [0, cols), there are as many values as indices.
void check(const SparseMatrix& matrix);

/// One edge per entry; narrow ids where they fit.
RawEdges edges_of(const SparseMatrix& matrix, RowsAre rows_are);

/// One weight per edge; none where all are 1.
void set_weights(RawDataset& raw, Array<float> weights);

/// The matrix with its zeros, fp32. Throws MemoryError when that exceeds the memory there is.
RawFeatures dense_of(const SparseMatrix& matrix);

/// Node numbers in [0, n) as edges of the narrowest width.
RawEdges edges_of(Array<std::int64_t> source, Array<std::int64_t> destination, std::int64_t n);

/// A dense array [rows, cols] as features: fp32, fp16, bf16 and int8 (with scales of 1) stay, other element
/// types become fp32; column order is turned.
RawFeatures features_of(const NpyView& view);
/// One class per node from [n] or [n, 1] (whole numbers; −1, NaN: none), 0/1/NaN per node and class from [n,
/// C].
void set_labels(RawDataset& raw, const NpyView& view);
/// Ids, or the positions of true in a boolean array.
Array<std::int64_t> ids_of(const NpyView& view);

/// More classes than this are taken for damage.
inline constexpr std::int64_t kMostClasses = 1 << 20;
/// Wider feature rows than this are taken for damage.
inline constexpr std::int64_t kMostFeatures = 1 << 24;
/// More nodes than this for so many edges are damage, or names that need renumbering; they must not size an
/// allocation.
constexpr std::int64_t plausible_nodes(std::int64_t edges) { return 64 * edges + (std::int64_t{1} << 20); }
/// Throws MemoryError unless `bytes` fit in what the process may use.
void expect_room(const std::string& where, double bytes);

}  // namespace kith
