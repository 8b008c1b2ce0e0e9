#pragma once
#include <variant>

#include "kith/datasets/import/raw_dataset.h"
#include "kith/graph/reorder.h"

namespace kith {

/// A graph of either index width, owned.
struct CleanGraph {
  std::variant<Csr32, Csr64> csr;
  Array<float> edge_weights;  ///< in the order of the entries, or empty

  CsrAny any() const;
};

/// The rows of the raw edges: sorted, duplicates merged (of parallel edges the first weight stays; a reverse
/// that was added carries its edge's weight; a self-loop that was added weighs 1). O(n + m), with weights O(m
/// log degree).
CleanGraph clean_graph(const RawDataset& raw, const BuildOptions& options);

/// Keeps the nodes of the largest component in the graph and in every array of `raw` but its edges, which are
/// left empty; their numbers so far become the user's ids when there were none.
CleanGraph restrict_to_largest_component(const CleanGraph& graph, RawDataset& raw);

/// Numbers the nodes anew in the graph and in every array of `raw` but its edges, which are left as they are;
/// their numbers so far become the user's ids when there were none.
CleanGraph reordered(const CleanGraph& graph, RawDataset& raw, Array<std::int64_t> order);

/// Fills in the features that are made on demand.
void materialise(RawFeatures& features);
/// Divides every row by its sum; rows that sum to 0 stay. fp16 and bf16 become fp32.
void normalise_rows(RawFeatures& features);

}  // namespace kith
