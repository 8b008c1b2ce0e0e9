// Own rows and arrivals must lie in one matrix to be summed: some columns at a time, so that no second copy
// of the features is alive.
#include "kith/exec/halo/input_sum.h"

#include <algorithm>

#include "kith/core/memory_kind.h"
#include "kith/kernels/dense.h"

namespace kith {
namespace {

constexpr std::int64_t kColumns = 256;  ///< at a time

template <class T>
BasicTensor<T> columns(const BasicTensor<T>& t, std::int64_t first, std::int64_t count) {
  return {t.data + first, t.rows, count, t.stride};
}

/// [arriving, F]
Matrix arrived(const Backend& on, RowExchange& rows, const SumPlan& plan, ConstTensor x,
               std::span<const float> scale) {
  const MemoryUse use(MemoryKind::halo);
  const UseMemory host(nullptr);
  Matrix sums(plan.sent.n(), x.cols), arrived(plan.lists.halo, x.cols);
  spmm(on, plan.sent, {.col_scale = scale}, x, sums);
  const auto bytes = [](auto* data, std::int64_t size) {
    return std::span(data, static_cast<std::size_t>(size));
  };
  rows.exchange(std::as_bytes(bytes(sums.data(), sums.size())),
                std::as_writable_bytes(bytes(arrived.data(), arrived.size())), plan.lists.counts,
                x.cols * std::int64_t{sizeof(float)},
                {.what = "fetching sums of features once", .counter = "halo", .layer = 0});
  return arrived;
}

}  // namespace

Matrix summed_input(const Backend& on, RowExchange& rows, const SumPlan& plan, ConstTensor x,
                    const SpmmScales& scales) {
  const std::int64_t owned = plan.csr.n(), sources = owned + plan.lists.halo;
  const auto own =
      scales.col_scale.empty() ? scales.col_scale : scales.col_scale.first(static_cast<std::size_t>(owned));
  const Matrix from_others = arrived(on, rows, plan, x, own);
  const Array<float> weights = plan.column_scale(scales.col_scale);
  SpmmScales seen = scales;
  seen.col_scale = weights.span();
  Matrix y(owned, x.cols);
  for (std::int64_t first = 0; first < x.cols; first += kColumns) {
    const std::int64_t width = std::min(kColumns, x.cols - first);
    Matrix all(sources, width);
    axpby(on, 1, columns(x, first, width), 0, all.view().row_range(0, owned));
    axpby(on, 1, columns(from_others.view(), first, width), 0, all.view().row_range(owned, sources));
    spmm(on, plan.csr, seen, all, columns(y.view(), first, width));
  }
  return y;
}

}  // namespace kith
