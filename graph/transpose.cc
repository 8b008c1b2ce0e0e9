// The entries of a CSR, read in order, are sorted by row; gathering them stably by column leaves each
// column's rows ascending, so no row needs sorting.
#include "kith/core/error.h"
#include "kith/core/rehearsal.h"
#include "kith/graph/bounds.h"
#include "kith/graph/buckets.h"
#include "kith/graph/builders.h"
#include "kith/graph/row_builder.h"

namespace kith {
namespace {

template <class Index>
struct Entry {
  Index key;  ///< the column
  Index row;
};

struct EntryWithEdge {
  std::int32_t key;
  std::int32_t row;
  std::int64_t edge;
};

template <class Made, class Index, class Make>
detail::Buckets<Made> gathered_by_column(CsrView<Index> a, std::int64_t columns, const Make& make) {
  if (const auto e = detail::first_outside(a.indices.first(a.m()), columns))
    throw CorruptError(
        with_facts("an index is out of range",
                   {{"position", *e}, {"index", std::int64_t{a.indices[*e]}}, {"columns", columns}}));
  // Chunks are of edges and not of rows, so that a hub does not make a chunk long.
  return detail::bucketed<Made>(columns, a.m(), [&](std::int64_t begin, std::int64_t end, auto&& sink) {
    std::int64_t row = std::upper_bound(a.indptr.begin(), a.indptr.end(), begin) - a.indptr.begin() - 1;
    for (std::int64_t e = begin; e < end; ++row)
      for (const std::int64_t row_end = std::min(end, a.indptr[row + 1]); e < row_end; ++e)
        sink(make(a.indices[e], static_cast<Index>(row), e));
  });
}

/// The arrays of a transpose and its buckets, of a matrix whose entries are not there.
template <class Made, class Index>
Csr<Index> rehearsed_transpose(std::int64_t entries, std::int64_t columns) {
  const auto m = static_cast<std::size_t>(entries);
  const Array<Made> buckets(m);
  Csr<Index> result{Array<std::int64_t>(static_cast<std::size_t>(columns) + 1), Array<Index>(m)};
  result.indptr.back() = entries;
  return result;
}

}  // namespace

template <class Index>
Csr<Index> transposed(CsrView<Index> a, std::int64_t columns) {
  detail::require_index_holds<Index>(a.n());
  if (rehearsing()) return rehearsed_transpose<Entry<Index>, Index>(a.m(), columns);
  const auto buckets =
      gathered_by_column<Entry<Index>>(a, columns, [](Index column, Index row, std::int64_t) {
        return Entry<Index>{column, row};
      });
  Array<Index> indices(buckets.entries.size());
  auto indptr =
      detail::place_all(buckets, [&](std::int64_t at, const auto& entry) { indices[at] = entry.row; });
  return {std::move(indptr), std::move(indices)};
}

TransposedCsr transposed_with_edges(CsrView<std::int32_t> a, std::int64_t columns) {
  detail::require_index_holds<std::int32_t>(a.n());
  if (rehearsing()) {
    Array<std::int64_t> edge(static_cast<std::size_t>(a.m()));
    return {rehearsed_transpose<EntryWithEdge, std::int32_t>(a.m(), columns), std::move(edge)};
  }
  const auto buckets = gathered_by_column<EntryWithEdge>(
      a, columns, [](std::int32_t column, std::int32_t row, std::int64_t edge) {
        return EntryWithEdge{column, row, edge};
      });
  TransposedCsr result;
  result.csr.indices = Array<std::int32_t>(buckets.entries.size());
  result.edge = Array<std::int64_t>(buckets.entries.size());
  result.csr.indptr = detail::place_all(buckets, [&](std::int64_t at, const EntryWithEdge& entry) {
    result.csr.indices[at] = entry.row;
    result.edge[at] = entry.edge;
  });
  return result;
}

template Csr32 transposed(CsrView<std::int32_t>, std::int64_t);
template Csr64 transposed(CsrView<std::int64_t>, std::int64_t);

}  // namespace kith
