#pragma once
#include <cstdint>
#include <span>
#include <variant>

#include "kith/core/array.h"
#include "kith/core/index_view.h"

namespace kith {

/// A graph as rows of in-edges: row i's sources are indices[indptr[i] .. indptr[i+1]). Rows are destinations,
/// columns are sources. `Index` is the stored width of a column (int32_t where it fits). Does not own its
/// arrays.
template <class Index>
struct CsrView {
  std::span<const std::int64_t> indptr;  ///< [n + 1], begins with 0
  std::span<const Index> indices;        ///< [m]

  std::int64_t n() const { return indptr.empty() ? 0 : static_cast<std::int64_t>(indptr.size()) - 1; }
  std::int64_t m() const { return indptr.empty() ? 0 : indptr.back(); }
  std::int64_t degree(std::int64_t i) const { return indptr[i + 1] - indptr[i]; }
  std::span<const Index> row(std::int64_t i) const { return indices.subspan(indptr[i], degree(i)); }
};

/// An owned CSR.
template <class Index>
struct Csr {
  Array<std::int64_t> indptr;
  Array<Index> indices;

  CsrView<Index> view() const { return {indptr.span(), indices.span()}; }
  operator CsrView<Index>() const { return view(); }
  std::int64_t n() const { return view().n(); }
  std::int64_t m() const { return view().m(); }
};

using Csr32 = Csr<std::int32_t>;
using Csr64 = Csr<std::int64_t>;

/// A stored graph whose width is known at run time; `visit` hands over the typed view.
struct CsrAny {
  std::span<const std::int64_t> indptr;
  IndexView indices;

  std::int64_t n() const { return indptr.empty() ? 0 : static_cast<std::int64_t>(indptr.size()) - 1; }
  std::int64_t m() const { return indptr.empty() ? 0 : indptr.back(); }
  template <class F>
  decltype(auto) visit(F&& f) const {
    return indices.visit([&]<class Index>(std::span<const Index> values) -> decltype(auto) {
      return f(CsrView<Index>{indptr, values});
    });
  }
};

/// The transpose of a CSR, which also knows where each entry stood: entry e of the transpose is entry edge[e]
/// of the original.
struct TransposedCsr {
  Csr32 csr;
  Array<std::int64_t> edge;  ///< [m]; empty when not asked for
};

}  // namespace kith
