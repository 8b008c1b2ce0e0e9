#include <algorithm>

#include "kith/core/parallel.h"
#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cpu/row_chunks.h"

// Both directions pull: a row of y or of dx is written by one thread in entry order, so nothing is scattered.
namespace kith {
namespace {

constexpr std::int64_t kChunkCost = 8192;

void maximum_of_row(std::span<const std::int32_t> columns, ConstTensor x, float* y, std::int32_t* slots) {
  std::fill_n(y, x.cols, 0.0f);
  std::fill_n(slots, x.cols, -1);
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const float* from = x.row(columns[k]);
    for (std::int64_t j = 0; j < x.cols; ++j) {
      const bool larger = slots[j] < 0 || from[j] > y[j];
      y[j] = larger ? from[j] : y[j];
      slots[j] = larger ? static_cast<std::int32_t>(k) : slots[j];
    }
  }
}

}  // namespace

void row_maximum(Cpu, CsrView<std::int32_t> a, std::span<const std::int32_t> rows, ConstTensor x, Tensor y,
                 std::span<std::int32_t> slots) {
  if (a.n() == 0) return;
  const RowChunks chunks(a, rows, kChunkCost);
  parallel_for(0, chunks.count(), 1, [&](std::int64_t chunk, std::int64_t) {
    for (std::int64_t p = chunks.begin(chunk); p < chunks.end(chunk); ++p) {
      const std::int64_t i = row_at(rows, p);
      maximum_of_row(a.row(i), x, y.row(i), slots.data() + i * x.cols);
    }
  });
}

void row_maximum_backward(Cpu, CsrView<std::int32_t> a, const TransposedCsr& t,
                          std::span<const std::int32_t> slots, ConstTensor dy, float beta, Tensor dx) {
  const CsrView<std::int32_t> columns = t.csr;
  if (columns.n() == 0) return;
  const RowChunks chunks(columns, {}, kChunkCost);
  parallel_for(0, chunks.count(), 1, [&](std::int64_t chunk, std::int64_t) {
    for (std::int64_t c = chunks.begin(chunk); c < chunks.end(chunk); ++c) {
      float* out = dx.row(c);
      for (std::int64_t j = 0; j < dx.cols; ++j) out[j] = beta == 0 ? 0 : beta * out[j];
      for (std::int64_t e = columns.indptr[c]; e < columns.indptr[c + 1]; ++e) {
        const std::int32_t i = columns.indices[e];
        const auto slot = static_cast<std::int32_t>(t.edge[e] - a.indptr[i]);
        const std::int32_t* chosen = slots.data() + std::int64_t{i} * dy.cols;
        for (std::int64_t j = 0; j < dx.cols; ++j) out[j] += chosen[j] == slot ? dy(i, j) : 0.0f;
      }
    }
  });
}

}  // namespace kith
