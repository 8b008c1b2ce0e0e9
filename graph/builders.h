#pragma once
#include <cstdint>
#include <span>

#include "kith/graph/csr.h"

namespace kith {

/// `add`: every node gets exactly one, whether it had none or several.
enum class SelfLoops { keep, drop, add };

/// Directed edges as two columns of equal length; edge i goes from source[i] to destination[i].
template <class Index>
struct EdgeColumns {
  std::span<const Index> source;
  std::span<const Index> destination;
};

struct BuildOptions {
  /// Adds the reverse of every edge, so the result is symmetric. Implies merging duplicates.
  bool undirected = false;
  bool merge_duplicates = true;
  SelfLoops self_loops = SelfLoops::keep;
};

/// The CSR of n nodes with sorted rows: row d holds the sources of the edges into d. Parallel, O(n + m), the
/// same result for any number of threads. Throws InputError when an id is outside [0, n), with the
/// edge's position.
template <class Index>
Csr<Index> csr_from_edges(EdgeColumns<Index> edges, std::int64_t n, const BuildOptions& options);

/// Aᵀ with sorted rows, of an [n, columns] CSR. Parallel, O(n + m).
template <class Index>
Csr<Index> transposed(CsrView<Index> a, std::int64_t columns);
/// The transpose with the position of every entry in the original, for edge-valued backward passes.
TransposedCsr transposed_with_edges(CsrView<std::int32_t> a, std::int64_t columns);

/// A ∪ Aᵀ without duplicates, self-loops by option. Needs sorted rows.
template <class Index>
Csr<Index> symmetrised(CsrView<Index> a, SelfLoops self_loops);

/// Self-loops by option; everything else stays. Needs sorted rows.
template <class Index>
Csr<Index> with_self_loops(CsrView<Index> a, SelfLoops self_loops);

/// The subgraph of `nodes` (ascending, distinct): node nodes[i] becomes i; edges between two of them stay.
template <class Index>
Csr<Index> induced_subgraph(CsrView<Index> a, std::span<const std::int64_t> nodes);

/// Throws CorruptError when indptr is not monotone from 0 to m, or an index is outside [0, columns).
/// O(n + m).
template <class Index>
void validate(CsrView<Index> a, std::int64_t columns);

/// Whether the columns of every row ascend (equal ones may follow each other). O(n + m).
template <class Index>
bool has_sorted_rows(CsrView<Index> a);

}  // namespace kith
