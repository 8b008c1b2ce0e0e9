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
HWY_BEFORE_NAMESPACE();
namespace kith {
namespace HWY_NAMESPACE {

/// All columns, in vectors that each lie in one head: head_width is a multiple of D's lanes.
template <class D>
void sum_heads(const SpmmRun& run, std::int64_t head_width) {
  const std::int64_t width = kMost * static_cast<std::int64_t>(hn::Lanes(D()));
  for (std::int64_t column = 0; column < run.x.cols; column += width) {
    sum_strip_of<Floats, D, true, kMost>(run, {column, std::min(width, run.x.cols - column), 0, head_width});
  }
}

void sum_run(const SpmmRun& run) {
  if (run.begin >= run.end) return;
  const std::int64_t heads = run.scales->weights.empty() ? 1 : run.scales->heads;
  const std::int64_t head_width = run.x.cols / heads;
  if (heads == 1) {
    sum_head<Floats>(run, 0, 0, run.x.cols);
  } else if (head_width % static_cast<std::int64_t>(hn::Lanes(FullTag())) == 0) {
    sum_heads<FullTag>(run, head_width);
  } else if (head_width % 8 == 0) {
    sum_heads<hn::CappedTag<float, 8>>(run, head_width);
  } else if (head_width % 4 == 0) {
    sum_heads<hn::CappedTag<float, 4>>(run, head_width);
  } else {
    for (std::int64_t h = 0; h < heads; ++h) sum_head<Floats>(run, h, h * head_width, (h + 1) * head_width);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace kith
HWY_AFTER_NAMESPACE();

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

void sum(const SpmmRun& run) {
  if (run.x.type == DType::f32) {
    HWY_DYNAMIC_DISPATCH(sum_run)(run);
  } else {
    sum_stored_run(run);
  }
}

float element(const StoredRows& x, std::int64_t i, std::int64_t j) {
  const std::int64_t at = i * x.stride + j;
  switch (x.type) {
    case DType::bf16: return float_of_bf16(static_cast<const std::uint16_t*>(x.data)[at]);
    case DType::f16: return float_of_f16(static_cast<const std::uint16_t*>(x.data)[at]);
    case DType::i8: return x.scales[i] * static_cast<float>(static_cast<const std::int8_t*>(x.data)[at]);
    default: return static_cast<const float*>(x.data)[at];
  }
}

/// Computes the rows of a chunk but the hubs, whose numbers it appends.
void sum_chunk(SpmmRun run, std::int64_t begin, std::int64_t end, std::vector<Hub>& hubs) {
  run.begin = begin;
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t row = row_at(run.rows, i);
    if (run.a.degree(row) <= kPiece) continue;
    hubs.push_back({row, 0});
    run.end = i;
    sum(run);
    run.begin = i + 1;
  }
  run.end = end;
  sum(run);
}

/// y[row] from the row's pieces, added in order, and the terms of the row itself.
void finish_hub(const SpmmScales& s, const StoredRows& x, ConstTensor pieces, std::int64_t row, Tensor y) {
  const float row_scale = s.row_scale.empty() ? 1.0f : s.row_scale[row];
  const bool has_self = row < static_cast<std::int64_t>(s.self_scale.size());
  for (std::int64_t j = 0; j < y.cols; ++j) {
    double sum = 0;
    for (std::int64_t p = 0; p < pieces.rows; ++p) sum += pieces(p, j);
    float value = row_scale * static_cast<float>(sum);
    if (has_self) value += s.self_scale[row] * element(x, row, j);
    if (s.beta != 0) value += s.beta * y(row, j);
    y(row, j) = value;
  }
}

/// The piece is a row of its own, without the terms of the row it is from.
void sum_piece(CsrView<std::int32_t> a, std::pair<std::int64_t, std::int64_t> entries, SpmmScales scales,
               const StoredRows& x, Tensor result) {
  const std::array<std::int64_t, 2> indptr{entries.first, entries.second};
  scales.row_scale = scales.self_scale = {};
  scales.beta = 0;
  sum({{indptr, a.indices}, {}, 0, 1, &scales, x, result});
}

void sum_hubs(CsrView<std::int32_t> a, std::vector<Hub> hubs, const SpmmScales& scales, const StoredRows& x,
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
          const StoredRows& x, Tensor y) {
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
