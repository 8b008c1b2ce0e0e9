#include <algorithm>

#include <cblas.h>

#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/panel_product.h"

// A product with a plain `a` is cut into blocks of rows of c, and b is packed once for all of them
// (panel_product.h: a tenth to a half faster than the BLAS at a layer's shapes, which packs b for every
// block); where that does not pay the BLAS runs, as it does, single-threaded inside our own tasks, for what
// follows. A transposed `a` (a weight gradient: long sums, a small result) is cut along the sum into blocks
// of kSumRows, and along the columns of `a` into tiles; a bounded group of partial products is computed in
// parallel, then added to c in order. Panels of b as it stands beat the BLAS there by a fifth to a third.
// Cuts depend on the shape only.
namespace kith {
namespace {

constexpr std::int64_t kSumRows = 4096;
constexpr std::int64_t kTile = 128;
constexpr std::int64_t kLeastRows = 16;  ///< that packing b is worth
constexpr std::int64_t kGroupFloats = 16 << 20;

void use_one_thread() {
  static const bool done = [] {
    openblas_set_num_threads(1);
    return true;
  }();
  static_cast<void>(done);
}

CBLAS_TRANSPOSE blas(Trans trans) { return trans == Trans::yes ? CblasTrans : CblasNoTrans; }
int narrow(std::int64_t value) { return static_cast<int>(value); }

void gemm(Trans trans_a, ConstTensor a, Trans trans_b, ConstTensor b, float beta, Tensor c) {
  const std::int64_t k = trans_a == Trans::yes ? a.rows : a.cols;
  if (c.rows == 0 || c.cols == 0) return;
  cblas_sgemm(CblasRowMajor, blas(trans_a), blas(trans_b), narrow(c.rows), narrow(c.cols), narrow(k), 1.0f,
              a.data, narrow(std::max<std::int64_t>(a.stride, 1)), b.data,
              narrow(std::max<std::int64_t>(b.stride, 1)), beta, c.data,
              narrow(std::max<std::int64_t>(c.stride, 1)));
}

ConstTensor columns(ConstTensor x, std::int64_t begin, std::int64_t end) {
  return {x.data + begin, x.rows, end - begin, x.stride};
}

/// The part of b that belongs to the rows [begin, end) of a transposed `a`.
ConstTensor summands(Trans trans_b, ConstTensor b, std::int64_t begin, std::int64_t end) {
  return trans_b == Trans::yes ? columns(b, begin, end) : b.row_range(begin, end);
}

void panels_product(ConstTensor a, Trans trans_b, ConstTensor b, std::span<const float> bias, float beta,
                    Tensor c) {
  const Panels panels(trans_b, b);
  parallel_for(0, c.rows, Panels::kRows, [&](std::int64_t begin, std::int64_t end) {
    panels.multiply({a.row(begin), a.stride, 1}, beta, c.row_range(begin, end), bias);
  });
}

void rows_product(ConstTensor a, Trans trans_b, ConstTensor b, std::span<const float> bias, float beta,
                  Tensor c) {
  const std::int64_t block = std::clamp<std::int64_t>(c.rows / 16 / 64 * 64, 64, 512);
  parallel_for(0, c.rows, block, [&](std::int64_t begin, std::int64_t end) {
    const Tensor rows = c.row_range(begin, end);
    gemm(Trans::no, a.row_range(begin, end), trans_b, b, beta, rows);
    if (!bias.empty()) add_bias(Cpu{}, bias, rows);
  });
}

/// A product without a sum: c = beta · c + bias.
void empty_product(std::span<const float> bias, float beta, Tensor c) {
  parallel_for(0, c.rows, 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      for (std::int64_t j = 0; j < c.cols; ++j)
        c(i, j) = (beta == 0 ? 0 : beta * c(i, j)) + (bias.empty() ? 0 : bias[j]);
    }
  });
}

void plain_product(ConstTensor a, Trans trans_b, ConstTensor b, std::span<const float> bias, float beta,
                   Tensor c) {
  if (c.rows == 0 || c.cols == 0) return;
  if (a.cols == 0) return empty_product(bias, beta, c);
  use_one_thread();
  if (c.rows >= kLeastRows && Panels::pay())
    panels_product(a, trans_b, b, bias, beta, c);
  else
    rows_product(a, trans_b, b, bias, beta, c);
}

/// c = Σ of the partial products [count, c.rows · c.cols], in order, + beta · c.
void add_partials(const Array<float>& partial, std::int64_t count, float beta, Tensor c) {
  parallel_for(0, c.rows, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      float* row = c.row(i);
      for (std::int64_t j = 0; j < c.cols; ++j) row[j] = beta == 0 ? 0 : beta * row[j];
      for (std::int64_t p = 0; p < count; ++p) {
        const float* from = partial.data() + (p * c.rows + i) * c.cols;
        for (std::int64_t j = 0; j < c.cols; ++j) row[j] += from[j];
      }
    }
  });
}

std::int64_t blocks_of(std::int64_t rows) {
  return std::max<std::int64_t>(1, (rows + kSumRows - 1) / kSumRows);
}

/// How many blocks' products of `size` elements are kept at once.
std::int64_t group_of(std::int64_t blocks, std::int64_t size) {
  return std::min(blocks, std::clamp<std::int64_t>(kGroupFloats / std::max<std::int64_t>(size, 1), 2, 64));
}

void transposed_product(ConstTensor a, Trans trans_b, ConstTensor b, float beta, Tensor c) {
  const std::int64_t blocks = blocks_of(a.rows), group = group_of(blocks, c.size());
  const std::int64_t tiles = (c.rows + kTile - 1) / kTile;
  const auto partial_product = [&](std::int64_t block, std::int64_t tile, float scale_of_old, Tensor out) {
    const std::int64_t begin = block * kSumRows, end = std::min(a.rows, begin + kSumRows);
    const std::int64_t first = tile * kTile, last = std::min(c.rows, first + kTile);
    const ConstTensor some = columns(a.row_range(begin, end), first, last);
    if (trans_b == Trans::no && transposed_panels_pay(b.cols))
      transposed_panels(some, b.row_range(begin, end), scale_of_old, out.row_range(first, last));
    else
      gemm(Trans::yes, some, trans_b, summands(trans_b, b, begin, end), scale_of_old,
           out.row_range(first, last));
  };
  if (blocks == 1) {
    parallel_for(0, tiles, 1, [&](std::int64_t tile, std::int64_t) { partial_product(0, tile, beta, c); });
    return;
  }
  Array<float> partial(matmul_partial_floats(a.rows, c.size()));
  for (std::int64_t first = 0; first < blocks; first += group) {
    const std::int64_t count = std::min(group, blocks - first);
    parallel_for(0, count * tiles, 1, [&](std::int64_t task, std::int64_t) {
      const std::int64_t p = task / tiles;
      partial_product(first + p, task % tiles, 0, {partial.data() + p * c.size(), c.rows, c.cols});
    });
    add_partials(partial, count, first == 0 ? beta : 1.0f, c);
  }
}

}  // namespace

std::size_t matmul_partial_floats(std::int64_t rows, std::int64_t size) {
  const std::int64_t blocks = blocks_of(rows);
  return blocks == 1 ? 0 : static_cast<std::size_t>(group_of(blocks, size) * size);
}

void matmul(Cpu, Trans trans_a, ConstTensor a, Trans trans_b, ConstTensor b, float beta, Tensor c) {
  if (trans_a == Trans::no) return plain_product(a, trans_b, b, {}, beta, c);
  if (c.rows == 0 || c.cols == 0) return;
  if (a.rows == 0) return empty_product({}, beta, c);
  use_one_thread();
  transposed_product(a, trans_b, b, beta, c);
}

void affine(Cpu, ConstTensor x, ConstTensor w, std::span<const float> bias, float beta, Tensor y) {
  plain_product(x, Trans::yes, w, bias, beta, y);
}

}  // namespace kith
