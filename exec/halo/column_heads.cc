#include "kith/exec/halo/column_heads.h"

#include <algorithm>

#include "kith/kernels/dense.h"

namespace kith {

ColumnWidths column_widths(const HaloPass& pass, std::int64_t cols, int ranks) {
  if (pass.what != Crossing::attention && pass.what != Crossing::additive_attention)
    return {cols, cols, false};
  const std::int64_t rows = ColumnHeads(ranks, pass.heads, cols).all();
  const bool additive = pass.what == Crossing::additive_attention;
  // GAT's scores, a number a node, head and side, go with the rows, and their gradients come back; GATv2 has
  // two rows of every node.
  const std::int64_t most = additive ? 2 * rows : rows + 2 * pass.heads * ranks;
  return pass.backward ? ColumnWidths{rows, most, additive} : ColumnWidths{most, rows, additive};
}

std::vector<ColumnHeads::Run> ColumnHeads::runs(int rank) const {
  std::vector<Run> runs;
  const std::int64_t first = std::min(of_head_, rank * width_), end = std::min(of_head_, first + width_);
  for (int head = 0; head < heads_ && first < end; ++head)
    runs.push_back({head * of_head_ + first, head * width_, end - first});
  return runs;
}

Matrix ColumnHeads::spread(const Backend& on, const std::vector<ConstTensor>& matrices,
                           ConstTensor beside) const {
  const std::int64_t unit = std::ssize(matrices) * width() + beside.cols, n = matrices.front().rows;
  Matrix wide(n, ranks_ * unit, 0.0f);
  const auto put = [&](ConstTensor from, std::int64_t column) {
    axpby(on, 1, from, 0, columns_of(wide.view(), column, from.cols));
  };
  for (int rank = 0; rank < ranks_; ++rank) {
    std::int64_t at = rank * unit;
    for (const ConstTensor& matrix : matrices) {
      for (const Run& run : runs(rank)) put(columns_of(matrix, run.here, run.count), at + run.there);
      at += width();
    }
    if (beside.cols > 0) put(beside, at);
  }
  return wide;
}

void ColumnHeads::gather(const Backend& on, const From& from, std::int64_t place, float beta,
                         Tensor y) const {
  const std::int64_t unit = from.matrices * width() + from.beside;
  for (int rank = 0; rank < ranks_; ++rank)
    for (const Run& run : runs(rank))
      axpby(on, 1, columns_of(from.wide, rank * unit + place * width() + run.there, run.count), beta,
            columns_of(y, run.here, run.count));
}

Matrix ColumnHeads::summed_beside(const Backend& on, const From& from) const {
  const std::int64_t unit = from.matrices * width() + from.beside;
  Matrix sum(from.wide.rows, from.beside, 0.0f);
  for (int rank = 0; rank < ranks_; ++rank)
    axpby(on, 1, columns_of(from.wide, (rank + 1) * unit - from.beside, from.beside), 1, sum);
  return sum;
}

std::vector<float> ColumnHeads::share(std::span<const float> vector, int rank) const {
  std::vector<float> share(static_cast<std::size_t>(width()), 0.0f);
  for (const Run& run : runs(rank))
    std::copy_n(vector.begin() + run.here, run.count, share.begin() + run.there);
  return share;
}

std::vector<double> ColumnHeads::placed(std::span<const double> share, int rank) const {
  std::vector<double> vector(static_cast<std::size_t>(heads_ * of_head_), 0.0);
  for (const Run& run : runs(rank))
    std::copy_n(share.begin() + run.there, run.count, vector.begin() + run.here);
  return vector;
}

}  // namespace kith
