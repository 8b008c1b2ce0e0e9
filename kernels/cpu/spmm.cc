#include "kith/kernels/cpu/spmm.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/row_chunks.h"
#include "kith/kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kith/kernels/cpu/spmm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kith/kernels/cpu/spmm-inl.h"

// A row's sum is a gather of x's rows, bound by memory latency before it is bound by bandwidth. Hence: the
// sum stays in registers over the whole row (spmm-inl.h), and the rows of x that the entries further ahead
// need are prefetched, across the borders of rows. Rows are shared out in chunks of equal entries. A hub (a
// row of more than kPiece entries) is left out of its chunk, summed in pieces of kPiece in parallel, and the
// pieces are added in order: neither the chunks nor the pieces depend on the number of threads, so neither do
// the bits.
#if HWY_ONCE
namespace kith {
namespace {

HWY_EXPORT(sum_run);

// Also bounds the rounding error of a sum in fp32.
constexpr std::int64_t kPiece = 4096;

// A result of more bytes than the last cache holds is gone from it before anybody reads it.
constexpr std::int64_t kStreamedBytes = 48 << 20;

struct Hub {
  std::int64_t row = 0;
  std::int64_t first_piece = 0;  ///< among all hubs' pieces
};

std::int64_t pieces_of(std::int64_t degree) { return (degree + kPiece - 1) / kPiece; }

/// Small graphs get smaller chunks, so that all threads have some; 64 of them, or chunks of 64 Ki.
std::int64_t chunk_cost(std::int64_t entries, std::int64_t rows) {
  return std::clamp<std::int64_t>((entries + RowChunks::kRowCost * rows) / 64, 2048, 65536);
}

/// Computes the rows of a chunk but the hubs, whose numbers it appends.
void sum_chunk(SpmmRun run, std::int64_t begin, std::int64_t end, std::vector<Hub>& hubs) {
  run.begin = begin;
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t row = row_at(run.rows, i);
    if (run.a.degree(row) <= kPiece) continue;
    hubs.push_back({row, 0});
    run.end = i;
    HWY_DYNAMIC_DISPATCH(sum_run)(run);
    run.begin = i + 1;
  }
  run.end = end;
  HWY_DYNAMIC_DISPATCH(sum_run)(run);
}

/// y[row] from the row's pieces, added in order, and the terms of the row itself.
void finish_hub(const SpmmScales& s, ConstTensor x, ConstTensor pieces, std::int64_t row, Tensor y) {
  const float row_scale = s.row_scale.empty() ? 1.0f : s.row_scale[row];
  const bool has_self = row < static_cast<std::int64_t>(s.self_scale.size());
  for (std::int64_t j = 0; j < y.cols; ++j) {
    double sum = 0;
    for (std::int64_t p = 0; p < pieces.rows; ++p) sum += pieces(p, j);
    float value = row_scale * static_cast<float>(sum);
    if (has_self) value += s.self_scale[row] * x(row, j);
    if (s.beta != 0) value += s.beta * y(row, j);
    y(row, j) = value;
  }
}

/// The piece is a row of its own, without the terms of the row it is from.
void sum_piece(CsrView<std::int32_t> a, std::pair<std::int64_t, std::int64_t> entries, SpmmScales scales,
               ConstTensor x, Tensor sum) {
  const std::array<std::int64_t, 2> indptr{entries.first, entries.second};
  scales.row_scale = scales.self_scale = {};
  scales.beta = 0;
  HWY_DYNAMIC_DISPATCH(sum_run)({{indptr, a.indices}, {}, 0, 1, &scales, x, sum});
}

void sum_hubs(CsrView<std::int32_t> a, std::vector<Hub> hubs, const SpmmScales& scales, ConstTensor x,
              Tensor y) {
  std::vector<std::pair<std::int64_t, std::int64_t>> entries;
  for (Hub& hub : hubs) {
    hub.first_piece = static_cast<std::int64_t>(entries.size());
    for (std::int64_t e = a.indptr[hub.row]; e < a.indptr[hub.row + 1]; e += kPiece) {
      entries.emplace_back(e, std::min(e + kPiece, a.indptr[hub.row + 1]));
    }
  }
  Matrix sums(static_cast<std::int64_t>(entries.size()), x.cols);
  parallel_for(0, sums.rows(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      sum_piece(a, entries[p], scales, x, sums.view().row_range(p, p + 1));
    }
  });
  parallel_for(0, static_cast<std::int64_t>(hubs.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t h = begin; h < end; ++h) {
      const std::int64_t first = hubs[h].first_piece, count = pieces_of(a.degree(hubs[h].row));
      finish_hub(scales, x, std::as_const(sums).view().row_range(first, first + count), hubs[h].row, y);
    }
  });
}

}  // namespace

void spmm(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, const SpmmScales& scales,
          ConstTensor x, Tensor y) {
  if (x.cols == 0 || a.n() == 0) return;
  const RowChunks chunks(a, rows, chunk_cost(a.m(), positions(a, rows)));
  const bool streams =
      scales.beta == 0 &&
      positions(a, rows) * y.cols * static_cast<std::int64_t>(sizeof(float)) > kStreamedBytes;
  std::vector<std::vector<Hub>> hubs_of_chunk(static_cast<std::size_t>(chunks.count()));
  parallel_for(0, chunks.count(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c) {
      sum_chunk({a, rows, 0, 0, &scales, x, y, streams}, chunks.begin(c), chunks.end(c), hubs_of_chunk[c]);
    }
  });
  std::vector<Hub> hubs;
  for (const auto& some : hubs_of_chunk) hubs.insert(hubs.end(), some.begin(), some.end());
  if (!hubs.empty()) sum_hubs(a, std::move(hubs), scales, x, y);
}

}  // namespace kith
#endif
