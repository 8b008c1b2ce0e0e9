// Stretches without a nonzero are passed over a vector at a time; most are.
#include "kith/kernels/sparse_rows.h"

#include <algorithm>
#include <bit>

#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"

namespace kith {
namespace {

constexpr std::int64_t kStretch = 32;  ///< elements
constexpr std::int64_t kRowsPerTask = 64;
constexpr std::int64_t kTile = 32;  ///< of a transpose: its rows and columns stay in the first cache

/// Calls `visit(column)` for the nonzeros of a row, ascending.
template <class Visit>
void visit_nonzeros(const float* row, std::int64_t cols, Visit&& visit) {
  for (std::int64_t begin = 0; begin < cols; begin += kStretch) {
    const std::int64_t end = std::min(begin + kStretch, cols);
    int any = 0;
    for (std::int64_t j = begin; j < end; ++j) any |= row[j] != 0.0f;
    if (any == 0) continue;
    for (std::int64_t j = begin; j < end; ++j)
      if (row[j] != 0.0f) visit(j);
  }
}

}  // namespace

SparseRows nonzeros(Cpu, ConstTensor x) {
  SparseRows result{{Array<std::int64_t>(static_cast<std::size_t>(x.rows) + 1), {}}, {}, x.cols};
  std::int64_t* indptr = result.pattern.indptr.data();
  parallel_for(0, x.rows, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      indptr[i] = x.cols - std::count(x.row(i), x.row(i) + x.cols, 0.0f);
  });
  indptr[x.rows] = 0;
  const auto count = static_cast<std::size_t>(exclusive_prefix_sum(indptr, x.rows + 1));
  result.pattern.indices = Array<std::int32_t>(count);
  result.values = Array<float>(count);
  parallel_for(0, x.rows, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float* row = x.row(i);
      std::int64_t e = indptr[i];
      visit_nonzeros(row, x.cols, [&](std::int64_t j) {
        result.pattern.indices[static_cast<std::size_t>(e)] = static_cast<std::int32_t>(j);
        result.values[static_cast<std::size_t>(e++)] = row[j];
      });
    }
  });
  return result;
}

void transpose(Cpu, ConstTensor x, float beta, Tensor y) {
  parallel_for(0, y.rows, kTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t tile = 0; tile < y.cols; tile += kTile) {
      const std::int64_t tile_end = std::min(tile + kTile, y.cols);
      for (std::int64_t i = begin; i < end; ++i) {
        float* row = y.row(i);
        for (std::int64_t j = tile; j < tile_end; ++j)
          row[j] = beta == 0 ? x.row(j)[i] : x.row(j)[i] + beta * row[j];
      }
    }
  });
}

}  // namespace kith
