#pragma once
#include <vector>

#include "kith/exec/halo/axes.h"
#include "kith/kernels/backend.h"

namespace kith {

/// What a pass of `cols` columns sends by columns: so many go to the ranks, all of them together, and come
/// back.
struct ColumnWidths {
  std::int64_t there = 0, back = 0;
  bool sums_edges = false;  ///< a value for every edge and head, summed over the ranks
};
ColumnWidths column_widths(const HaloPass& pass, std::int64_t cols, int ranks);

/// Which columns of matrices [·, heads · d] are whose where they are attended to: a rank has as many of every
/// head, with zeros behind the last, and so attends with its columns as if they were all.
class ColumnHeads {
 public:
  ColumnHeads(int ranks, int heads, std::int64_t cols)
      : ranks_(ranks), heads_(heads), of_head_(cols / heads), width_((of_head_ + ranks - 1) / ranks) {}

  /// A rank's columns of a matrix.
  std::int64_t width() const { return heads_ * width_; }
  std::int64_t all() const { return ranks_ * width(); }

  /// What goes to the ranks, [n, ranks · (matrices · width + beside)]: a rank's columns of each matrix and,
  /// for every rank the same, `beside`.
  Matrix spread(const Backend& on, const std::vector<ConstTensor>& matrices, ConstTensor beside = {}) const;
  /// And what comes from them: y = matrix `place` of so many + beta y.
  struct From {
    ConstTensor wide;
    std::int64_t matrices = 1, beside = 0;
  };
  void gather(const Backend& on, const From& from, std::int64_t place, float beta, Tensor y) const;
  /// [n, beside] Σ over ranks, in ascending order.
  Matrix summed_beside(const Backend& on, const From& from) const;
  /// This rank's part of a vector [heads · d], and back to where it was among zeros.
  std::vector<float> share(std::span<const float> vector, int rank) const;
  std::vector<double> placed(std::span<const double> share, int rank) const;

 private:
  struct Run {
    std::int64_t here, there, count;  ///< columns of a matrix, of a rank's share
  };
  std::vector<Run> runs(int rank) const;

  int ranks_, heads_;
  std::int64_t of_head_, width_;
};

/// The columns [first, first + count) of a matrix.
template <class T>
BasicTensor<T> columns_of(const BasicTensor<T>& x, std::int64_t first, std::int64_t count) {
  return {x.data + first, x.rows, count, x.stride};
}

}  // namespace kith
