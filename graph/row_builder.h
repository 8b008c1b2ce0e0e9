#pragma once
#include <cstdint>
#include <limits>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/graph/csr.h"

namespace kith::detail {

inline constexpr std::int64_t kRowGrain = 512;

/// Throws Error when node numbers below `bound` do not fit the index type.
template <class Index>
void require_index_holds(std::int64_t bound) {
  require(bound >= 0 && static_cast<std::uint64_t>(bound) <= std::uint64_t{std::numeric_limits<Index>::max()},
          "node numbers fit the index type",
          {{"nodes", bound}, {"largest", std::int64_t{std::numeric_limits<Index>::max()}}});
}

/// The CSR whose row i is what emit(i, sink) hands to sink(column), in that order. `emit` is called twice for
/// every row, first to count and then to write.
template <class Index, class Emit>
Csr<Index> csr_of_rows(std::int64_t n, const Emit& emit) {
  Array<std::int64_t> indptr(static_cast<std::size_t>(n) + 1);
  parallel_for(0, n, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::int64_t count = 0;
      emit(i, [&](Index) { ++count; });
      indptr[i] = count;
    }
  });
  indptr[n] = 0;
  Array<Index> indices(static_cast<std::size_t>(exclusive_prefix_sum(indptr.data(), n + 1)));
  parallel_for(0, n, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      Index* out = indices.data() + indptr[i];
      emit(i, [&](Index column) { *out++ = column; });
    }
  });
  return {std::move(indptr), std::move(indices)};
}

/// Hands the union of two sorted rows to visit(column, in_a, in_b), ascending and each value once.
template <class Index, class Visit>
void merge_rows(std::span<const Index> a, std::span<const Index> b, Visit&& visit) {
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    const bool in_a = i < a.size() && (j == b.size() || a[i] <= b[j]);
    const bool in_b = j < b.size() && (i == a.size() || b[j] <= a[i]);
    const Index column = in_a ? a[i] : b[j];
    while (i < a.size() && a[i] == column) ++i;
    while (j < b.size() && b[j] == column) ++j;
    visit(column, in_a, in_b);
  }
}

}  // namespace kith::detail
